"""Rows leave a table and join another without anybody being able to tell."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt import events as e
from fsopt.events import Record
from fsopt.state import StudyState, TrialRecord, TrialState
from fsopt.state.residue import facts
from fsopt.state.rows import Frozen
from tests.unit.state.test_fold import (
    SPACE,
    completed,
    events_of_trials,
    failed,
    fold,
    logs,
    picture,
    records_of,
    started,
)


def ordinary(number: int, value: float = 1.0, writer: str = "a", x: float = 0.5) -> list[Record]:
    params = {"x": x, "n": 1, "c": "1"}
    begin = e.TrialStarted(trial=number, params=params, by="random")
    end = e.TrialCompleted(trial=number, values=(value,))
    return [
        Record(writer, 2 * number, 1.0, begin),
        Record(writer, 2 * number + 1, 2.0, end),
    ]


def many(numbers: range | list[int], writer: str = "a") -> StudyState:
    return fold([record for n in numbers for record in ordinary(n, float(n), writer)])


def join(state: StudyState, frozen: Frozen) -> None:
    """What must be done with the rows of a snapshot."""
    for number in state.trials.join(frozen).tolist():
        state.adopt(facts(frozen.trial(number)))


_APART = ("writers", "rest", "ensembles", "priors")  # what a picture holds beside trials


def trials_of(state: StudyState) -> dict[str, object]:
    """All that a state holds of trials."""
    return {key: value for key, value in picture(state).items() if key not in _APART}


@settings(deadline=None)
@given(logs, st.randoms(use_true_random=False))
def test_rows_and_facts_of_a_part_join_another_part_to_the_whole(
    logs: dict[str, list[e.Event]], chance: random.Random
) -> None:
    records = records_of(logs)
    here = fold([record for record in records if chance.random() < 0.6])
    there = fold([record for record in records if chance.random() < 0.6])
    watched = here.trials.watch()
    before = {trial.number: repr(trial) for trial in here.trials}
    join(here, there.trials.frozen())
    for trial in list(there.trials.live()):
        here.adopt(facts(trial))
    both = {(r.writer, r.seq) for state in (here, there) for r in told(state, records)}
    assert trials_of(here) == trials_of(fold([r for r in records if (r.writer, r.seq) in both]))
    changed = {trial.number for trial in here.trials if before.get(trial.number) != repr(trial)}
    assert changed <= set(watched.drain().tolist())


def told(state: StudyState, records: list[Record]) -> list[Record]:
    return [
        record
        for record in records
        if record.writer in state.writers
        and record.seq < (known := state.writers[record.writer].known).end
        and not any(low <= record.seq < high for low, high in known.gaps)
    ]


@settings(deadline=None)
@given(logs)
def test_joining_what_is_there_already_changes_nothing(logs: dict[str, list[e.Event]]) -> None:
    state = fold(records_of(logs))
    before = trials_of(state)
    watched = state.trials.watch()
    assert state.trials.join(state.trials.frozen()).tolist() == []
    assert watched.drain().tolist() == []
    assert trials_of(state) == before


def test_rows_that_meet_something_else_are_left_to_the_caller() -> None:
    there = many(range(6)).trials.frozen()
    here = fold([*ordinary(1, 1.0), *ordinary(2, 7.0, "b"), started(4, attempt=1, writer="b")])
    assert here.trials.join(there).tolist() == [2, 4]
    assert here.trials[2].outcome.values == (7.0,)  # type: ignore[union-attr]
    assert here.trials.numbers() == list(range(6))
    assert here.trials[5].attempts[0].writer == "a"


@pytest.mark.parametrize(
    "late",
    [
        e.TrialReported(trial=0, steps=(1,), values=(2.0,)),
        e.AttributeSet(trial=0, name="a", value=1),
    ],
)
def test_a_row_that_differs_in_a_rarity_is_not_the_same(late: e.Event) -> None:
    records = [started(0), failed("odd")]
    more = fold([*records, Record("b", 0, 1.0, late)])
    assert fold(records).trials.join(more.trials.frozen()).tolist() == [0]
    assert more.trials.join(fold(records).trials.frozen()).tolist() == [0]


def test_rows_that_join_are_changes_once() -> None:
    state = many([1])
    watched = state.trials.watch()
    state.trials.join(many([0, 2]).trials.frozen())
    state.apply(started(3, writer="z"))
    assert watched.drain().tolist() == [0, 2, 3]
    assert watched.drain().tolist() == []


def test_names_are_those_of_the_table_that_rows_come_from() -> None:
    state = many([0], "first")
    join(state, many([1, 2], "second").trials.frozen())
    join(state, many([4], "first").trials.frozen())
    writers = [trial.attempts[0].writer for trial in state.trials]
    assert writers == ["first", "second", "second", "first"]


def test_frozen_rows_among_some_numbers_come_with_what_belongs_to_them() -> None:
    records = [record for n in range(4) for record in ordinary(n)]
    records += [Record("b", n, 3.0, e.AttributeSet(trial=n, name="a", value=n)) for n in range(4)]
    state = fold(records)
    state.apply(started(2, attempt=1, writer="c"))
    found = state.trials.frozen(np.array([1, 2, 3, 9]))
    assert found.numbers.tolist() == [1, 3]
    assert found.extras.attributes.keys() == {1, 3}
    third = found.among(np.array([False, True]))
    assert third.trial(3).attributes["a"][0] == 3
    assert third.extras.attributes.keys() == {3}
    with pytest.raises(KeyError):
        found.trial(2)


def test_a_table_does_not_change_with_rows_that_left_it() -> None:
    state = many(range(3))
    frozen = state.trials.frozen()
    state.apply(Record("b", 0, 3.0, e.AttributeSet(trial=1, name="a", value=1)))
    other = many([])
    join(other, frozen)
    other.apply(Record("b", 0, 3.0, e.AttributeSet(trial=2, name="a", value=2)))
    assert not frozen.extras.attributes
    assert not state.trials[2].attributes
    assert not other.trials[1].attributes


@settings(deadline=None)
@given(logs)
def test_counts_below_a_limit_are_those_of_the_trials_below_it(
    logs: dict[str, list[e.Event]],
) -> None:
    state = fold(records_of(logs))
    for limit in (None, 0, 1, 3, 9):
        states = [t.state for t in state.trials if limit is None or t.number < limit]
        counts = state.trials.count(limit)
        assert counts == {s: states.count(s) for s in TrialState}
    found = state.trials.configurations()
    fitting = {s: int(found.having(s).sum()) for s in TrialState}
    assert state.trials.count_fitting() == fitting
    assert len(state.trials) == len(state.trials.numbers())
    assert state.trials.finished == sum(t.state.is_finished for t in state.trials)
    unfinished = [t.number for t in state.trials if not t.state.is_finished]
    assert [t.number for t in state.unfinished()] == unfinished


@settings(deadline=None)
@given(st.lists(st.integers(0, 9) | st.just(10**7)))
def test_what_is_missing_is_looked_for_above_what_is_complete(numbers: list[int]) -> None:
    state = StudyState(SPACE, 1)
    for count, number in enumerate(numbers):
        state.apply(Record("a", count, 0.0, e.TrialProposed(trial=number, params={}, by="?")))
        known = set(numbers[: count + 1])
        missing = [n for n in range(12) if n not in known]
        assert state.trials.complete_below == missing[0]
        assert state.trials.missing_below(12) == missing
        assert state.trials.missing_below(missing[0]) == []


def test_a_far_number_is_reached_by_the_columns_once_there_are_enough_others() -> None:
    far = 2_000_000
    state = fold(ordinary(far, -1.0))
    assert [t.number for t in state.trials.live()] == [far]
    state.trials.join(many(range(10)).trials.frozen())
    assert state.trials.configurations().numbers[-1] == far
    rest = many([0]).trials.frozen()
    rows = rest.rows.take(np.zeros(300_000, dtype=np.int64))
    space, names, extras = rest.space, rest.names, rest.extras
    numbers = np.arange(10, 300_010)
    state.trials.join(Frozen(space=space, numbers=numbers, rows=rows, names=names, extras=extras))
    state.apply(started(300_010))
    found = state.trials.configurations(np.array([4, far]))
    assert found.numbers.tolist() == [4, far]
    assert found.values[:, 0].tolist() == [4.0, -1.0]
    assert state.trials.count()[TrialState.COMPLETED] == 300_011
    assert state.trials.count(far)[TrialState.COMPLETED] == 300_010
    state.apply(started(far + 1, writer="z"))
    every = [*range(300_011), far, far + 1]
    assert state.trials.configurations().numbers.tolist() == every
    assert state.trials.numbers() == every


@settings(deadline=None)
@given(logs, logs)
def test_followers_learn_of_every_change_independently(
    logs: dict[str, list[e.Event]], more: dict[str, list[e.Event]]
) -> None:
    state = fold(records_of(logs))
    before = {trial.number: repr(trial) for trial in state.trials}
    one, other = state.trials.watch(), state.trials.watch()
    later = [Record(f"z{r.writer}", r.seq, r.time, r.event) for r in records_of(more)]
    seen: set[int] = set()
    for record in later:
        state.apply(record)
        seen.update(one.drain().tolist())
    changed = {trial.number for trial in state.trials if before.get(trial.number) != repr(trial)}
    assert changed <= seen
    assert set(other.drain().tolist()) == seen
    assert other.drain().tolist() == []


@settings(deadline=None)
@given(st.lists(events_of_trials(), max_size=20))
def test_another_configuration_of_a_known_trial_is_a_revision(events: list[e.Event]) -> None:
    state = StudyState(SPACE, 1)
    watched = state.trials.watch()
    for seq, event in enumerate(events):
        before = state.trials.configurations()
        state.apply(Record("a", seq, 0.0, event))
        after = state.trials.configurations()
        rows = dict(zip(after.numbers.tolist(), after.rows.tolist(), strict=True))
        lost = any(
            repr(rows.get(number)) != repr(row)
            for number, row in zip(before.numbers.tolist(), before.rows.tolist(), strict=True)
        )
        assert watched.was_revised == lost
        watched.was_revised = False


def test_what_is_not_settled_is_what_rows_would_not_tell() -> None:
    state = many(range(3))
    assert not state.trials.unsettled
    state.apply(started(5, writer="z"))
    state.apply(Record("b", 0, 3.0, e.AttributeSet(trial=1, name="a", value=1)))
    assert state.trials.unsettled == {1, 5}
    state.trials.settle(5)
    assert state.trials.unsettled == {1}
    state.trials.settle()
    assert not state.trials.unsettled
    state.apply(Record("c", 0, 3.0, e.AttributeSet(trial=5, name="a", value=1)))
    join(state, many([7]).trials.frozen())
    assert state.trials.unsettled == {5}
    state.trials.unsettle([0])
    state.apply(Record("d", 0, 3.0, e.AttributeSet(trial=0, name="a", value=1)))
    assert state.trials.unsettled == {0, 5}


def test_an_event_that_can_not_be_folded_leaves_the_counts_right() -> None:
    def fail(_trial: TrialRecord) -> None:
        raise RuntimeError

    state = fold([started(0), completed(1.0)])
    with pytest.raises(RuntimeError):
        state.trials.change(0, fail)
    assert state.trials.count()[TrialState.COMPLETED] == 1
    assert len(state.trials) == 1
