"""The history that an optimizer gets is a function of the trials alone."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt import events as e
from fsopt.events import Record
from fsopt.history import History
from fsopt.objectives import Objectives
from fsopt.search import RandomSearch
from fsopt.state import StudyState, TrialState
from fsopt.study import archive
from fsopt.study.archive import Archive
from tests.unit.state.test_fold import SPACE, fold, logs, records_of
from tests.unit.state.test_table import many

OBJECTIVES = Objectives.of({"y": "maximize"})


def archive_of(state: StudyState) -> Archive:
    return Archive(state.trials, SPACE, OBJECTIVES)


def assert_history(history: History, state: StudyState) -> None:
    """Compare with the state, the simple way."""
    found = state.trials.configurations()
    units = SPACE.to_unit(found.rows)
    valued = found.having(TrialState.COMPLETED, TrialState.STOPPED)
    failed = found.having(TrialState.FAILED)
    assert history.ended == int((valued | failed).sum())
    np.testing.assert_array_equal(history.X, units[valued])
    np.testing.assert_array_equal(history.Y, -found.values[valued])
    np.testing.assert_array_equal(history.numbers, found.numbers[valued])
    np.testing.assert_array_equal(history.X_failed, units[failed])
    np.testing.assert_array_equal(history.X_pending, units[~(valued | failed)])
    assert history.is_taken(units).all()


@settings(deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_a_history_asked_for_again_and_again_is_the_one_asked_for_once(
    logs: dict[str, list[e.Event]], chance: random.Random
) -> None:
    records = records_of(logs)
    chance.shuffle(records)
    state = StudyState(SPACE, 1)
    followed = archive_of(state)
    seen = [np.empty((0, len(SPACE)))]
    for record in records:
        state.apply(record)
        if chance.random() < 0.7:
            history = followed.history()
            assert_history(history, state)
            seen.append(SPACE.to_unit(state.trials.configurations().rows))
    at_once = archive_of(fold(records)).history()
    asked = np.concatenate(seen)
    np.testing.assert_array_equal(followed.history().is_taken(asked), at_once.is_taken(asked))
    numbers = range(20, 24)
    proposed = RandomSearch().suggest(followed.history(), numbers, 1)
    np.testing.assert_array_equal(proposed, RandomSearch().suggest(at_once, numbers, 1))


def test_a_configuration_that_a_trial_no_longer_has_may_be_proposed_again() -> None:
    first = {"x": 0.25, "n": 1, "c": "1"}
    late = Record("b", 0, 1.0, e.TrialStarted(trial=0, params=first, by="random"))
    early = Record("a", 0, 1.0, e.TrialStarted(trial=0, params=first | {"x": 0.75}, by="random"))
    unit = SPACE.to_unit(SPACE.to_row(first)[np.newaxis])
    state = fold([late])
    followed = archive_of(state)
    assert followed.history().is_taken(unit).all()
    state.apply(early)
    assert not followed.history().is_taken(unit).any()


def test_trials_that_come_by_the_thousand_are_all_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_BATCH", 7)
    state = StudyState(SPACE, 1)
    followed = archive_of(state)
    followed.history()
    other = fold(
        [
            Record("a", n, 1.0, e.TrialStarted(trial=n, params={"x": n / 50, "n": 1, "c": "1"}))
            for n in range(50)
        ]
        + [Record("b", n, 1.0, e.TrialCompleted(trial=n, values=(0.0,))) for n in range(50)]
    )
    state.trials.join(other.trials.frozen())
    assert_history(followed.history(), other)


def test_a_history_is_made_of_no_more_than_what_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    state = many(range(3))
    followed = archive_of(state)
    followed.history()
    looked: list[object] = []
    configurations = state.trials.configurations

    def note(numbers: object = None) -> object:
        looked.append(numbers)
        return configurations(numbers)  # type: ignore[arg-type]

    monkeypatch.setattr(state.trials, "configurations", note)
    state.apply(Record("z", 0, 1.0, e.AttributeSet(trial=1, name="a", value=1)))
    RandomSearch().suggest(followed.history(), [3], 1)
    assert [numbers.tolist() for numbers in looked] == [[1]]  # type: ignore[attr-defined]
