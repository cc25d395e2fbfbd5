"""Functions of the user's that are called as trials finish."""

import subprocess
import sys
from pathlib import Path

import pytest

import fsopt
from fsopt.errors import ScriptError
from fsopt.run.script import load_script

SPACE = fsopt.Space(fsopt.Float("x", 0.0, 1.0))

SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0.0, 1.0))

def objective(trial):
    return trial["x"]

def keep(study, trial):
    with open("kept.txt", "a") as file:
        file.write(f"{trial.number} {trial.state} {trial.value}\\n")

callbacks = [keep]
"""


def test_each_trial_is_told_once_with_its_values_or_why_it_failed() -> None:
    study, told = fsopt.create_study(None, space=SPACE, seed=0), []
    study.callbacks.append(lambda study, trial: told.append(trial))
    study.run(
        lambda trial: fsopt.Failure("odd") if trial.number % 2 else trial["x"],
        trials=6,
        workers=2,
    )
    assert sorted(trial.number for trial in told) == list(range(6))
    for trial in told:
        if trial.number % 2:
            assert (trial.state, trial.reason, trial.values) == ("failed", "odd", {})
        else:
            assert trial.value == trial.params["x"]


def test_one_that_raises_stops_neither_the_study_nor_the_others() -> None:
    study, told = fsopt.create_study(None, space=SPACE, seed=0), []

    def broken(study: fsopt.Study, trial: fsopt.FinishedTrial) -> None:
        raise RuntimeError("no server")

    study.callbacks += [broken, lambda study, trial: told.append(trial.number)]
    assert study.run(lambda trial: trial["x"], trials=3).reason == "budget"
    assert sorted(told) == [0, 1, 2]


def test_those_of_a_script_are_called_and_a_failure_is_noticed(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT + "callbacks += [lambda study, trial: 1 / 0]\n")
    words = [sys.executable, "-m", "fsopt", "run", script, "--study", "s", "--trials", 3]
    result = subprocess.run(
        list(map(str, words)), cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert len((tmp_path / "kept.txt").read_text().splitlines()) == 3
    assert "callback <lambda> failed for trial 0: ZeroDivisionError" in result.stdout


def test_what_is_no_list_of_functions_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT + "callbacks = keep\n")
    with pytest.raises(ScriptError, match="callbacks must be a list of functions"):
        load_script(script)
