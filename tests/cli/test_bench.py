"""`fsopt bench storage`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsopt.bench import comparison, storage
from fsopt.bench.table import Measured, Missing, Row
from fsopt.cli.main import main

MARKS = "# B\n<!-- fsopt bench storage: begin -->\n<!-- fsopt bench storage: end -->\nrest\n"


def test_a_quick_run_measures_everything_and_leaves_nothing(tmp_path: Path) -> None:
    document, work = tmp_path / "doc.md", tmp_path / "work"
    document.write_text(MARKS)
    command = [sys.executable, "-m", "fsopt", "bench", "storage", "--quick", "--no-peers"]
    command += ["--json", "--dir", str(work), "--markdown", str(document)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert list(work.iterdir()) == []
    report = json.loads(result.stdout)
    assert report["quick"] is True
    assert {"CPU", "filesystem", "kernel", "Python", "fsopt"} <= set(report["machine"])
    cells = {row["what"]: row["systems"]["fsopt"] for row in report["rows"]}
    for what, cell in cells.items():
        if "in a trial" not in what:
            assert cell["median"] > 0, what
    assert cells["a finished study of 200 trials, fsopt compacted: files"]["median"] < 300
    text = document.read_text()
    assert "\nfsopt bench storage --quick --no-peers\n" in text
    assert text.endswith("<!-- fsopt bench storage: end -->\nrest\n")
    assert all(f"| {what}" in text for what in cells)
    assert str(tmp_path) not in text


def test_a_document_without_a_place_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    document = tmp_path / "doc.md"
    document.write_text("nothing")
    result = CliRunner().invoke(main, ["bench", "storage", "--markdown", str(document)])
    assert result.exit_code == 1
    assert "has no place for the section" in result.stderr
    assert "measuring" not in result.stderr


def test_a_directory_that_can_not_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    arguments = ["bench", "storage", "--quick", "--dir", str(tmp_path / "file" / "below")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 1
    assert "give another --dir" in result.stderr


def one_row(monkeypatch: pytest.MonkeyPatch, cell: Measured | Missing) -> None:
    def rows(bench: comparison.Bench) -> list[Row]:
        return [Row("cost", "ms", dict.fromkeys(bench.systems, cell))]

    monkeypatch.setattr(storage, "STORAGE", [rows])


def test_the_table_as_text_with_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    one_row(monkeypatch, Measured((2.5,)))
    result = CliRunner().invoke(main, ["bench", "storage", "--no-peers"])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].split() == ["cost,", "ms", "2.5"]
    assert "filesystem: " in result.stdout


def test_a_failure_of_fsopts_own_is_told_by_the_exit_status(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_row(monkeypatch, Missing("failed: broke", failed=True))
    result = CliRunner().invoke(main, ["bench", "storage", "--no-peers"])
    assert result.exit_code == 1
    assert "failed: cost: failed: broke" in result.stderr


def test_without_strace_its_rows_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(storage, "STORAGE", [storage.calls])
    result = CliRunner().invoke(main, ["bench", "storage", "--no-peers", "--quick", "--json"])
    assert result.exit_code == 0
    reasons = [row["systems"]["fsopt"] for row in json.loads(result.stdout)["rows"]]
    assert reasons == [{"missing": "strace is not installed"}] * len(reasons)
    assert reasons
