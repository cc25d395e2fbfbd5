"""The options that say what an evaluation may use, from the command line to the files."""

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from fsopt.cli.conditions import size
from fsopt.cli.main import main

SCRIPT = """
import fsopt, os
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), seed=1)
def objective(trial):
    for line in range(20):
        print("line", line, "of", trial.slot, os.environ["CUDA_VISIBLE_DEVICES"])
    if trial.number == 1:
        import time
        time.sleep(60)
    return 1.0
"""


@pytest.mark.parametrize(
    ("text", "number"),
    [("1000", 1000), ("2K", 2048), ("1.5m", 3 * 2**19), ("2GiB", 2**31), ("1 TB", 2**40)],
)
def test_sizes_are_binary(text: str, number: int) -> None:
    assert size(text) == number


@pytest.mark.parametrize("text", ["", "2X", "G", "-1", "1e3", "nan"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="is no size; write bytes"):
        size(text)


def test_limits_slots_and_output(tmp_path: Path) -> None:
    script, study = tmp_path / "script.py", tmp_path / "study"
    script.write_text(SCRIPT)
    options = ["--slots", "2, 5", "--trial-timeout", "4", "--trial-memory", "8G"]
    options += ["--output-limit", "100K", "--trials", "3"]
    result = CliRunner().invoke(main, ["run", str(script), "--study", str(study), *options])
    assert result.exit_code == 0, result.output
    shown = json.loads(CliRunner().invoke(main, ["show", str(study), "1", "--json"]).output)
    assert shown["reason"] == "timeout"
    assert "trials/1/output.0.txt" in shown["files"]
    text = CliRunner().invoke(main, ["show", str(study), "1"]).output
    assert "trials/1/output.0.txt\n  ...\n  line 10 of" in text
    lines = {p: p.read_text().splitlines() for p in study.glob("trials/*/output.0.txt")}
    assert len(lines) == 3
    assert {line[-1] for line in lines.values()} <= {"line 19 of 2 2", "line 19 of 5 5"}
    assert lines[study / "trials/0/output.0.txt"][-1] != lines[study / "trials/1/output.0.txt"][-1]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--slots", "1,1"], "slots must differ"),
        (["--slots", "0,1", "--workers", "3"], "3 workers can't share 2 slots"),
        (["--trial-memory", "many"], "'many' is no size"),
        (["--trial-timeout", "5", "--backend", "thread"], "use the process backend"),
    ],
)
def test_what_makes_no_sense_is_one_line(options: list[str], message: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    arguments = ["run", str(script), "--study", str(tmp_path / "study"), "--trials", "1"]
    result = CliRunner().invoke(main, [*arguments, *options])
    assert result.exit_code != 0
    assert message in result.output or message in str(result.exception)
