"""When a process has done its part."""

from __future__ import annotations

import time

import pytest

import fsopt
from fsopt.errors import StudyError
from fsopt.run.terms import Summary
from fsopt.space import Float, Space


def study(**options: object) -> fsopt.Study:
    space = Space(Float("x", 0, 1))
    return fsopt.create_study(None, space=space, seed=1, optimizer=fsopt.RandomSearch(), **options)


def run(study: fsopt.Study, values: list[float], **limits: object) -> Summary:
    """Trial n has the n-th value."""
    return study.run(lambda trial: values[trial.number], **limits)  # type: ignore[arg-type]


def test_a_target_ends_the_run_with_the_trial_that_reaches_it() -> None:
    mine = study(objectives={"accuracy": "maximize"})
    summary = run(mine, [0.1, 0.5, 0.9, 0.2], target=0.9)
    assert (summary.reason, summary.evaluated) == ("target", 3)


def test_a_target_that_was_reached_leaves_nothing_to_do_but_for_who_has_none() -> None:
    mine = study()
    run(mine, [2.0, 1.0, 3.0, 4.0], target=1.0, trials=4)
    assert run(mine, [2.0, 1.0, 3.0, 4.0], target=1.0).evaluated == 0
    summary = run(mine, [2.0, 1.0, 3.0, 4.0])
    assert (summary.reason, summary.evaluated) == ("budget", 2)


def test_with_several_objectives_one_trial_must_reach_all_that_are_named() -> None:
    mine = study(objectives={"a": "minimize", "b": "maximize"})
    points = [(0.0, 0.0), (9.0, 9.0), (1.0, 5.0), (2.0, 7.0)]
    summary = mine.run(lambda trial: points[trial.number], target={"a": 1.0, "b": 5.0})
    assert (summary.reason, summary.evaluated) == ("target", 3)
    with pytest.raises(StudyError, match="several objectives"):
        mine.run(lambda trial: points[trial.number], target=1.0)


def test_patience_counts_finished_trials_since_the_last_improvement() -> None:
    mine = study()
    summary = run(mine, [5.0, 4.0, 4.0, float("nan"), 6.0, 1.0], patience=3)
    assert (summary.reason, summary.evaluated) == ("patience", 5)


def test_who_has_no_target_continues_what_was_paused_when_it_was_reached() -> None:
    mine = study()

    def objective(trial: fsopt.Trial) -> float:
        if trial.number == 0 and trial.attempt == 0:
            while not trial.should_stop():
                time.sleep(0.01)
            assert not trial.preempted
        return float(trial.number)

    assert mine.run(objective, workers=2, target=1.0, trials=2).reason == "target"
    paused = mine.state.trials[0]
    assert (paused.state, paused.outcome and paused.outcome.reason) == ("paused", "target")
    assert mine.run(objective, workers=2).reason == "budget"
    assert mine.state.trials[0].state == "completed"
