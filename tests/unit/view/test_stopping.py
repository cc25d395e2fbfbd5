"""What people are told of a study's stopper."""

from __future__ import annotations

from pathlib import Path

import fsopt
from fsopt.space import Float, Space
from fsopt.view.inspection import trial_details
from fsopt.view.report import show_lines, status_lines
from fsopt.view.stopping import stopping_summary
from fsopt.view.summary import status_summary


def objective(trial: fsopt.Trial) -> float:
    steps = (2, 8, 4)[trial.number]
    for step in trial.steps(steps):
        trial.report(float(trial.number == 0), step)
        if trial.should_stop():
            break
    if trial.number == 2:
        raise ValueError("broken")
    return 0.0


def study_with(stopper: fsopt.Threshold | None, place: Path) -> fsopt.Study:
    study = fsopt.create_study(
        place,
        space=Space(Float("x", 0, 1)),
        optimizer=fsopt.RandomSearch(),
        stopper=stopper,
    )
    study.run(objective, trials=3)
    return study


def test_saved_steps_are_those_that_complete_trials_would_have_had(tmp_path: Path) -> None:
    with study_with(fsopt.Threshold(worst=0.5, max_steps=8), tmp_path) as study:
        # One stopped at step 1 of 8, one with all of them; the one that failed does not count.
        expected = {"stopper": "Threshold", "steps": 9, "saved": 0.4375}
        assert stopping_summary(study) == expected
        status = status_summary(study)
        assert status["stopping"] == expected
        assert "stopping: Threshold, 9 steps, 44% saved" in status_lines(study, status)
        study.compact(retention=0)
        with fsopt.open_study(tmp_path) as again:
            assert stopping_summary(again) == expected
        shown = trial_details(study, 0)
        assert shown["reason"] == "stopped by Threshold at step 1 of 8"
        assert "  stopped by Threshold at step 1 of 8" in show_lines(shown, {})
        assert trial_details(study, 1)["reason"] is None
        assert trial_details(study, 2)["reason"] == "ValueError: broken"
        table = study.trials()
        assert table["state"].tolist() == ["stopped", "completed", "failed"]
        assert table["steps"].tolist() == [1, 8, 4]


def test_where_nobody_knows_the_last_step_nothing_is_said_to_be_saved(tmp_path: Path) -> None:
    with study_with(fsopt.Threshold(worst=0.5), tmp_path) as study:
        told = stopping_summary(study)
        assert told == {"stopper": "Threshold", "steps": 9, "saved": None}
        assert "stopping: Threshold, 9 steps" in status_lines(study, status_summary(study))
        assert trial_details(study, 0)["reason"] == "stopped by Threshold at step 1"


def test_a_study_without_a_stopper_says_nothing_of_one(tmp_path: Path) -> None:
    with study_with(None, tmp_path) as study:
        status = status_summary(study)
        assert status["stopping"] is None
        assert not [line for line in status_lines(study, status) if "stopping" in line]
