"""``fsopt bench stopping``, as a user types it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsopt.bench.stopping.results import read
from fsopt.cli.main import main

SMALL = ["--tasks", "sgd-digits,mlp-wine", "--seeds", "1", "--trials", "20", "--workers", "1,3"]


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, ["bench", "stopping", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_table_tells_of_each_stopper_and_of_none(tmp_path: Path) -> None:
    document, runs = tmp_path / "text.md", tmp_path / "runs.parquet"
    begin, end = (f"<!-- fsopt bench stopping: {word} -->" for word in ("begin", "end"))
    document.write_text(f"# Title\n{begin}\nold\n{end}\nrest\n")
    files = ["--markdown", str(document), "--output", str(runs)]
    code, text, _ = run(*SMALL, "--stoppers", "halving,median", *files)
    assert code == 0
    assert text.startswith("1 worker\n")
    assert "3 workers\n" in text
    names = [line.split()[0] for line in text.splitlines() if line.endswith(" x")]
    assert names == 2 * ["none", "halving", "median"]
    written = document.read_text()
    assert written.startswith(f"# Title\n{begin}\n")
    assert "| halving | " in written
    assert "--workers 1,3 --stoppers halving,median --tasks sgd-digits,mlp-wine" in written
    assert written.endswith(f"{end}\nrest\n")
    assert len(read(runs)) == 2 * 3 * 2


def test_json_has_the_numbers() -> None:
    code, text, _ = run(*SMALL, "--stoppers", "none,halving", "--json")
    assert code == 0
    rows = json.loads(text)
    assert [(row["workers"], row["stopper"]) for row in rows] == [
        (workers, name) for workers in (1, 3) for name in ("none", "halving")
    ]
    assert rows[0]["share"] == 1
    assert rows[1]["share"] < 0.5
    assert rows[1]["saving"] > 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--stoppers", "oracle"], "there is no stopper 'oracle'"),
        (["--tasks", "chess"], "there is no task 'chess'"),
        (["--workers", "0"], "--workers takes numbers"),
        (["--workers", "many"], "--workers takes numbers"),
        (["--markdown", "/nowhere/text.md"], "can't read /nowhere/text.md"),
    ],
)
def test_a_wrong_option_is_told_before_anything_runs(words: list[str], message: str) -> None:
    code, text, errors = run(*words)
    assert code != 0
    assert message in errors
    assert not text
