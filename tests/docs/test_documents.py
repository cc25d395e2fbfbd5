"""What the documents say is true: links lead somewhere, code runs, tables match the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fsopt import codec
from fsopt.cli.main import VERBS
from fsopt.events import EVENTS

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
        if "://" not in target:
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_python_in_the_documents_runs(path: Path, tmp_path: Path) -> None:
    code = "\n".join(blocks(path, "python"))
    if code:
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_only_verbs_that_exist_are_mentioned(path: Path) -> None:
    for verb in re.findall(
        r"(?:`|^\$ |^exec |&& )fsopt ([a-zA-Z-]+)", path.read_text(), re.MULTILINE
    ):
        assert verb in {*VERBS, "VERB"} or verb.startswith("-"), verb


def test_every_verb_is_documented() -> None:
    text = "\n".join(path.read_text() for path in DOCUMENTS)
    for verb in VERBS:
        assert f"fsopt {verb}" in text


def test_every_event_stands_in_the_protocol_with_its_fields() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    rows = {
        name: line
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`([a-z]+\.?[a-z]+)`", line.split("|")[1])
    }
    for name in EVENTS:
        for spec in codec._SPECS[name]:
            assert f"`{spec.name}`" in rows[name], (name, spec.name)


def test_the_readme_shows_the_job_script_that_is_there() -> None:
    (script,) = [b for b in blocks(ROOT / "README.md", "bash") if b.startswith("#!/bin/bash")]
    result = subprocess.run(["bash", "-n"], input=script, text=True, check=False)
    assert result.returncode == 0
    assert len(script.splitlines()) == 5
