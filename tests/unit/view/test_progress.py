"""What people see while a study runs."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

import fsopt
from fsopt.events import Record, TrialCompleted
from fsopt.space import Float, Space
from fsopt.view.progress import ConsoleProgress, _BestSoFar


def study_of(direction: str = "minimize") -> fsopt.Study:
    return fsopt.create_study(
        None,
        space=Space(Float("x", 0.0, 1.0)),
        objectives={"y": direction},
        seed=1,
        optimizer=fsopt.RandomSearch(),
    )


@pytest.mark.parametrize("direction", ["minimize", "maximize"])
@settings(deadline=None)
@given(values=st.lists(st.integers(0, 4) | st.none(), max_size=12), seed=st.integers(0, 9))
def test_the_best_so_far_is_the_best_of_the_study(
    direction: str, values: list[int | None], seed: int
) -> None:
    study, best, chance = study_of(direction), _BestSoFar(), random.Random(seed)
    pending: list[fsopt.Trial] = []
    for value in values:
        pending.append(study.ask())
        if value is not None:
            study.tell(pending.pop(chance.randrange(len(pending))), value)
        if chance.random() < 0.5:
            continue
        found, expected = best.look(study), study.best
        assert (found is None) == (expected is None)
        if found is not None and expected is not None:
            assert (found.number, found.value) == (expected.number, expected.value)


def test_a_best_trial_that_turns_out_worse_gives_way_to_another() -> None:
    study, best = study_of(), _BestSoFar()
    for trial, value in zip(study.ask(3), (1.0, 2.0, 3.0), strict=True):
        study.tell(trial, value)
    assert best.look(study) == (1.0, 0, 1.0)
    # Of two results the one of the least writer holds, whichever was read first.
    study.state.apply(Record("0", 0, 1.0, TrialCompleted(trial=0, values=(9.0,))))
    assert best.look(study) == (2.0, 1, 2.0)


def test_a_line_says_which_trial_is_the_best_so_far() -> None:
    study, output = study_of(), io.StringIO()
    progress = ConsoleProgress(Console(file=output, width=100))
    for value in (3.0, 4.0, 2.0, 2.0):
        trial = study.ask()
        study.tell(trial, value)
        progress.finished(study, study.state.trials[trial.number])
    lines = output.getvalue().splitlines()
    assert [line.endswith("best so far") for line in lines] == [True, False, True, False]


def test_the_status_line_tells_how_the_study_stands() -> None:
    study, output = study_of("maximize"), io.StringIO()
    progress = ConsoleProgress(Console(file=output, width=200, force_terminal=True))
    for value in (3.0, 4.0, fsopt.Failure("odd")):
        study.tell(study.ask(), value)
    study.ask()
    progress.tick(study, 1)
    progress.close()
    assert "3 trials | 1 running (1 here) | 1 failed | best y=4 in trial 1" in output.getvalue()
