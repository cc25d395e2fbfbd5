"""The best trials, and since when there was no better one, against the definition."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import StudyError
from fsopt.events import Record, TrialCompleted, TrialFailed, TrialStarted
from fsopt.objectives import Objectives
from fsopt.run.terms import Limits, read_target
from fsopt.space import Float, Space
from fsopt.state import StudyState
from fsopt.study.incumbents import Incumbents

SPACE = Space(Float("x", 0, 1))
ONE = Objectives.of({"loss": "minimize"})
TWO = Objectives.of({"accuracy": "maximize", "size": "minimize"})

values = st.sampled_from([0.0, 1.0, 2.0, 3.0])
outcomes = st.one_of(st.none(), st.just("failed"), st.tuples(values, values))


def events(number: int, outcome: object, attempt: int = 0) -> list[Record]:
    """The events of a trial that runs, failed, or has values."""
    place = 2 * (10 * number + attempt)
    start = TrialStarted(trial=number, attempt=attempt, params={"x": number / 100}, by="?")
    records = [Record("w", place, 0.0, start)]
    if outcome == "failed":
        event: object = TrialFailed(trial=number, attempt=attempt, reason="?")
    elif isinstance(outcome, tuple):
        event = TrialCompleted(trial=number, attempt=attempt, values=outcome)
    else:
        return records
    return [*records, Record("w", place + 1, 0.0, event)]  # type: ignore[arg-type]


def unimproved(outcomes: list[object], objectives: Objectives) -> int:
    """By its definition: trial by trial, in order."""
    earlier: list[np.ndarray] = []
    since = 0
    for outcome in outcomes:
        if outcome is None:
            continue
        since += 1
        if isinstance(outcome, tuple):
            point = objectives.to_minimise(np.array([outcome]))[0]
            if not any((other <= point).all() for other in earlier):
                since = 0
            earlier.append(point)
    return since


@given(outcomes=st.lists(outcomes, max_size=12), order=st.randoms(), two=st.booleans())
def test_it_is_what_the_definition_says_in_whatever_order_trials_end(
    outcomes: list[object], order: object, two: bool
) -> None:
    objectives = TWO if two else ONE
    told = [o if two or not isinstance(o, tuple) else o[:1] for o in outcomes]
    state = StudyState(SPACE, len(objectives))
    incumbents = Incumbents(state.trials, objectives)
    records = [record for number, o in enumerate(told) for record in events(number, o)]
    order.shuffle(records)  # type: ignore[attr-defined]
    for record in records:
        state.apply(record)
        incumbents.reach({})
    assert incumbents.unimproved == unimproved(told, objectives)
    assert incumbents.numbers == Incumbents(state.trials, objectives).numbers
    for wanted in (0.0, 1.0, 2.0, 3.0):
        done = [o for o in told if isinstance(o, tuple)]
        if two:
            reached = any(a >= wanted and s <= 1.0 for a, s in done)
            assert incumbents.reach({"accuracy": wanted, "size": 1.0}) == reached
            assert incumbents.reach({"accuracy": wanted}) == any(a >= wanted for a, _ in done)
        else:
            assert incumbents.reach({"loss": wanted}) == any(v <= wanted for (v,) in done)


def test_a_later_result_of_the_best_trial_takes_its_place() -> None:
    state = StudyState(SPACE, 1)
    incumbents = Incumbents(state.trials, ONE)
    for number, value in enumerate((3.0, 1.0, 2.0)):
        state.apply_all(events(number, (value,)))
    assert (incumbents.numbers, incumbents.unimproved) == ([1], 1)
    state.apply_all(events(1, (5.0,), attempt=1))
    assert (incumbents.numbers, incumbents.unimproved) == ([2], 0)
    assert not incumbents.reach({"loss": 1.0})


def test_trials_without_values_bring_no_improvement() -> None:
    state = StudyState(SPACE, 1)
    incumbents = Incumbents(state.trials, ONE)
    for number in range(3):
        state.apply_all(events(number, "failed"))
    assert (incumbents.numbers, incumbents.unimproved) == ([], 3)


@pytest.mark.parametrize(
    ("target", "objectives", "what"),
    [
        (0.9, TWO, "say which one's target"),
        ({"loss": 0.9}, TWO, "no objective 'loss'"),
        (float("nan"), ONE, "finite"),
        ({"accuracy": float("inf")}, TWO, "finite"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused(
    target: object, objectives: Objectives, what: str
) -> None:
    with pytest.raises(StudyError, match=what):
        read_target(target, objectives)  # type: ignore[arg-type]


def test_a_patience_below_one_is_refused() -> None:
    with pytest.raises(StudyError, match="patience"):
        Limits(patience=0)


def test_what_violates_a_constraint_is_no_improvement_and_reaches_no_target() -> None:
    limited = Objectives.of({"loss": "minimize"}, {"memory": "<= 5"})
    state = StudyState(SPACE, len(limited))
    incumbents = Incumbents(state.trials, limited)
    for number, reported in enumerate([(3.0, 1.0), (1.0, 9.0), (2.0, 9.0), (2.5, 5.0)]):
        state.apply_all(events(number, reported))
    assert incumbents.numbers == [3]
    assert incumbents.unimproved == 0
    assert incumbents.reach(read_target(2.5, limited))
    assert not incumbents.reach(read_target({"loss": 2.0}, limited))
    with pytest.raises(StudyError, match="no objective 'memory'"):
        read_target({"memory": 1.0}, limited)
