"""``fsopt run``: when a process leaves, and what it does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fsopt.cli.main import main

SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
objectives = {OBJECTIVES}
config = fsopt.StudyConfig(
    space=space, objectives=objectives, optimizer=fsopt.RandomSearch(), lease=2.0
)
def objective(trial):
    return tuple(float(trial.number) for _ in objectives)
"""
ONE, TWO = '{"accuracy": "maximize"}', '{"accuracy": "maximize", "size": "minimize"}'


def run(tmp_path: Path, objectives: str, *options: str) -> Result:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT.replace("{OBJECTIVES}", objectives))
    command = ["run", str(script), "--study", str(tmp_path / "study"), "--backend", "serial"]
    return CliRunner().invoke(main, [*command, *options])


@pytest.mark.parametrize(
    ("objectives", "options", "reason", "evaluated"),
    [
        (ONE, ["--target", "3"], "target", 4),
        (ONE, ["--target", "accuracy=2"], "target", 3),
        (TWO, ["--target", "accuracy=2", "--target", "size=5"], "target", 3),
        (TWO, ["--target", "size=-1", "--trials", "2"], "budget", 2),
        (ONE, ["--patience", "3", "--trials", "5"], "budget", 5),
        (ONE, ["--role", "evaluate", "--trials", "2"], "budget", 2),
    ],
)
def test_a_process_leaves_with_status_0_and_says_why(
    tmp_path: Path, objectives: str, options: list[str], reason: str, evaluated: int
) -> None:
    result = run(tmp_path, objectives, *options, "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert (told["reason"], told["evaluated"]) == (reason, evaluated)


@pytest.mark.parametrize(
    ("objectives", "options", "what"),
    [
        (ONE, ["--target", "good"], "is no number"),
        (ONE, ["--target", "loss=1"], "no objective 'loss'"),
        (ONE, ["--target", "nan"], "finite"),
        (TWO, ["--target", "1"], "several objectives"),
        (TWO, ["--target", "1", "--target", "2"], "NAME=VALUE"),
        (ONE, ["--patience", "0"], "--patience"),
        (ONE, ["--ahead", "2"], "--role propose"),
        (ONE, ["--without-proposer", "wait"], "--role evaluate"),
    ],
)
def test_options_that_make_no_sense_are_refused_before_anything_is_made(
    tmp_path: Path, objectives: str, options: list[str], what: str
) -> None:
    result = run(tmp_path, objectives, *options)
    assert result.exit_code != 0
    assert what in result.output
    assert "Traceback" not in result.output
    assert not (tmp_path / "study").exists()
