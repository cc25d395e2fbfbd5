"""The state is a pure function of the set of events."""

import random
from dataclasses import asdict
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt import events as e
from fsopt.events import Record
from fsopt.space import Categorical, Float, Int, Space
from fsopt.state import StudyState, TrialState
from fsopt.state.sequence import SequenceSet

SPACE = Space(Float("x", 0.0, 1.0), Int("n", 1, 9), Categorical("c", ["1", 1, 1.0, True]))

configurations = st.fixed_dictionaries(
    {"x": st.floats(0, 1), "n": st.integers(1, 9), "c": st.sampled_from(["1", 1, 1.0, True])}
)
odd_configurations = configurations | st.just({"x": 7.0}) | st.just({"z": "?"})


def events_of_trials() -> st.SearchStrategy[e.Event]:
    """Events of a few trials, consistent or not: whatever writers may have done."""
    trial, attempt = st.integers(0, 4), st.integers(0, 2)
    finite = st.floats(-5, 5) | st.just(float("nan"))
    values = st.lists(finite, min_size=1, max_size=2).map(tuple)
    duration = st.none() | st.floats(0, 9)
    reason = st.sampled_from(["boom", "lost"])
    return st.one_of(
        st.builds(e.TrialProposed, trial=trial, params=odd_configurations, by=st.just("enqueued")),
        st.builds(
            e.TrialStarted,
            trial=trial,
            attempt=attempt,
            params=st.none() | odd_configurations,
            by=st.sampled_from(["random", "sobol"]),
            after=st.none() | st.integers(0, 3),
            leased=st.booleans(),
        ),
        st.builds(
            e.TrialReported,
            trial=trial,
            attempt=attempt,
            steps=st.lists(st.integers(1, 4), max_size=3).map(tuple),
            values=st.lists(st.floats(0, 1), max_size=3).map(tuple),
        ),
        st.builds(
            e.TrialCompleted, trial=trial, attempt=attempt, values=values, duration=duration
        ),
        st.builds(e.TrialStopped, trial=trial, attempt=attempt, values=values, step=st.just(3)),
        st.builds(e.TrialFailed, trial=trial, attempt=attempt, reason=reason, duration=duration),
        st.builds(e.TrialPaused, trial=trial, attempt=attempt, reason=reason),
        st.builds(e.TrialRetried, trial=trial, attempt=st.integers(1, 3)),
        st.builds(
            e.AttributeSet,
            trial=trial,
            attempt=attempt,
            name=st.sampled_from(["a", "b"]),
            value=st.integers(0, 3),
        ),
        st.builds(e.BudgetSet, trials=st.integers(1, 9)),
        st.builds(e.StudyStopped, generation=st.integers(0, 3)),
        st.builds(e.StudyReopened, generation=st.integers(0, 3)),
        st.builds(
            e.EnsembleBuilt,
            name=st.sampled_from(["valid", "test"]),
            generation=st.integers(1, 3),
            members=st.just((1,)),
            weights=st.just((1.0,)),
            aggregator=st.just("mean"),
            loss=st.sampled_from(["squared", "absolute"]),
            candidates=st.integers(1, 9),
            single=st.just(1),
        ),
        st.builds(
            e.PriorRegistered,
            id=st.sampled_from(["a", "b"]),
            name=st.sampled_from(["old", "older"]),
            trials=st.integers(1, 9),
            data=st.just({}),
        ),
        st.builds(e.UnknownEvent, name=st.sampled_from(["trial.sung", "x"])),
        st.builds(e.WriterClosed),
    )


def ordinary_trial(number: int, ends: e.Event | None) -> list[e.Event]:
    start = e.TrialStarted(trial=number, params={"x": 0.5, "n": number + 1, "c": 1.0}, by="random")
    return [start] if ends is None else [start, ends]


logs = st.dictionaries(
    st.sampled_from(["w1", "w2", "w3"]),
    st.lists(events_of_trials(), max_size=12)
    | st.builds(
        lambda pieces: [event for piece in pieces for event in piece],
        st.lists(
            st.builds(
                ordinary_trial,
                st.integers(0, 4),
                st.none()
                | st.builds(
                    e.TrialCompleted,
                    trial=st.integers(0, 4),
                    values=st.tuples(st.floats(-5, 5)),
                    duration=st.none() | st.floats(0, 9),
                ),
            ),
            max_size=5,
        ),
    ),
    max_size=3,
)


def records_of(logs: dict[str, list[e.Event]]) -> list[Record]:
    return [
        Record(writer, seq, float(seq) + 0.5, event)
        for writer, events in logs.items()
        for seq, event in enumerate(events)
    ]


def fold(records: list[Record]) -> StudyState:
    state = StudyState(SPACE, 1)
    state.apply_all(records)
    return state


def picture(state: StudyState) -> dict[str, object]:
    """Everything that a state holds, in a form that can be compared (NaN equals itself)."""
    found = state.trials.configurations()
    return {
        "trials": [repr(sorted_record(t)) for t in state.trials],
        "states": [t.state for t in state.trials],
        "counts": state.trials.count(),
        "arrays": [found.numbers.tolist(), repr(found.rows), repr(found.values), found.states],
        "numbers": state.trials.numbers(),
        "missing": state.trials.missing_below(6),
        "end": state.trials.end,
        "writers": {n: (w.closed, w.known.end, w.known.missing) for n, w in state.writers.items()},
        "rest": [state.budget, state.generation, state.stopped, state.unknown],
        "ensembles": sorted(state.ensembles.items()),
        "priors": sorted(state.priors.items()),
    } | {"arrays": repr([found.numbers, found.rows, found.values, found.states])}


def sorted_record(trial: object) -> dict[str, object]:
    fields = asdict(trial)  # type: ignore[call-overload]
    fields["attributes"] = sorted(fields["attributes"].items())
    for attempt in fields["attempts"].values():
        attempt["reports"] = sorted(attempt["reports"].items())
        if attempt["proposal"]:
            attempt["proposal"]["params"] = sorted(attempt["proposal"]["params"].items())
    fields["attempts"] = sorted(fields["attempts"].items())
    if fields["proposal"]:
        fields["proposal"]["params"] = sorted(fields["proposal"]["params"].items())
    return dict(fields)


@given(logs, st.randoms(use_true_random=False))
def test_any_order_of_the_events_gives_the_same_state(
    logs: dict[str, list[e.Event]], chance: random.Random
) -> None:
    records = records_of(logs)
    expected = picture(fold(records))
    shuffled = list(records)
    chance.shuffle(shuffled)
    assert picture(fold(shuffled)) == expected


@given(logs, st.randoms(use_true_random=False))
def test_events_that_come_twice_change_nothing(
    logs: dict[str, list[e.Event]], chance: random.Random
) -> None:
    records = records_of(logs)
    twice = records + [record for record in records if chance.random() < 0.5]
    chance.shuffle(twice)
    assert picture(fold(twice)) == picture(fold(records))


@given(logs, st.data())
def test_folding_in_parts_is_folding_at_once(
    logs: dict[str, list[e.Event]], data: st.DataObject
) -> None:
    records = records_of(logs)
    cut = data.draw(st.integers(0, len(records)))
    state = fold(records[:cut])
    picture(state)
    state.apply_all(records[cut:])
    assert picture(state) == picture(fold(records))


def started(number: int, attempt: int = 0, writer: str = "a", seq: int = 0) -> Record:
    params = {"x": 0.5, "n": 3, "c": "1"} if attempt == 0 else None
    event = e.TrialStarted(trial=number, attempt=attempt, params=params, by="random")
    return Record(writer, seq, 1.0, event)


def completed(value: float, attempt: int = 0, writer: str = "a", seq: int = 1) -> Record:
    event = e.TrialCompleted(trial=0, attempt=attempt, values=(value,))
    return Record(writer, seq, 2.0, event)


def failed(reason: str, attempt: int = 0, writer: str = "a", seq: int = 1) -> Record:
    return Record(writer, seq, 2.0, e.TrialFailed(trial=0, attempt=attempt, reason=reason))


def test_a_late_result_of_a_process_given_up_counts_unless_the_next_attempt_has_one() -> None:
    taken_over = [started(0), started(0, attempt=1, writer="b")]
    late = completed(0.25, writer="a")
    assert fold([*taken_over, late]).trials[0].outcome.values == (0.25,)  # type: ignore[union-attr]
    both = fold([*taken_over, late, completed(0.75, attempt=1, writer="b")])
    assert both.trials[0].outcome.values == (0.75,)  # type: ignore[union-attr]
    rescued = fold([*taken_over, failed("lost", attempt=1, writer="b"), late])
    assert rescued.trials[0].state is TrialState.COMPLETED


def test_a_trial_told_twice_is_completed_rather_than_failed() -> None:
    state = fold([started(0), failed("x", writer="b", seq=0), completed(1.0)])
    assert state.trials[0].state is TrialState.COMPLETED


@pytest.mark.parametrize("values", [(), (1.0, 2.0), (float("nan"),), (float("inf"),)])
def test_values_that_do_not_fit_the_objectives_are_a_failure(values: tuple[float, ...]) -> None:
    record = Record("a", 1, 2.0, e.TrialCompleted(trial=0, values=values))
    trial = fold([started(0), record]).trials[0]
    assert trial.state is TrialState.FAILED
    assert trial.outcome is not None
    assert "recorded" in str(trial.outcome.reason)


def test_the_life_of_a_trial() -> None:
    state = StudyState(SPACE, 1)
    trial = e.TrialProposed(trial=0, params={"x": 0.5, "n": 3, "c": 1}, by="enqueued")
    steps: list[tuple[e.Event, TrialState]] = [
        (trial, TrialState.WAITING),
        (e.TrialStarted(trial=0), TrialState.RUNNING),
        (e.TrialPaused(trial=0, reason="preempted"), TrialState.PAUSED),
        (e.TrialStarted(trial=0, attempt=1), TrialState.RUNNING),
        (e.TrialFailed(trial=0, attempt=1, reason="boom"), TrialState.FAILED),
        (e.TrialRetried(trial=0, attempt=2), TrialState.WAITING),
        (e.TrialStarted(trial=0, attempt=2), TrialState.RUNNING),
        (e.TrialCompleted(trial=0, attempt=2, values=(1.0,)), TrialState.COMPLETED),
    ]
    for seq, (event, expected) in enumerate(steps):
        state.apply(Record("a", seq, float(seq), event))
        assert state.trials[0].state is expected
        assert state.trials.count()[expected] == 1
    assert state.trials[0].next_attempt == 3


def test_an_attempt_that_took_over_a_silent_number_keeps_its_own_configuration() -> None:
    other = {"x": 0.25, "n": 1, "c": True}
    taken = Record("b", 0, 1.0, e.TrialStarted(trial=0, attempt=1, params=other, by="sobol"))
    result = completed(1.0, attempt=1, writer="b")
    state = fold([taken, result, started(0)])
    assert state.trials[0].params == other
    found = state.trials.configurations()
    assert SPACE.from_row(found.rows[0]) == other


def test_finished_trials_become_columns_and_come_back_whole() -> None:
    params = {"x": 0.1234567890123456, "n": 7, "c": 1.0}
    records = [
        Record("a", 0, 1.25, e.TrialStarted(trial=3, params=params, by="sobol")),
        Record("a", 1, 1.5, e.TrialReported(trial=3, steps=(1, 2), values=(0.5, 0.75))),
        Record("a", 2, 1.5, e.AttributeSet(trial=3, name="size", value=4)),
        Record("b", 0, 2.5, e.TrialFailed(trial=3, reason="boom", duration=0.5)),
    ]
    state = fold(records)
    assert list(state.trials.live()) == []
    trial = state.trials[3]
    assert trial.params == params
    assert type(trial.params["c"]) is float
    assert trial.curve == {1: 0.5, 2: 0.75}
    assert trial.attributes["size"][0] == 4
    assert trial.outcome is not None
    assert (trial.outcome.reason, trial.outcome.duration) == ("boom", 0.5)
    assert trial.outcome.stamp.writer == "b"
    assert trial.attempts[0].writer == "a"


def test_a_stray_huge_number_costs_no_memory() -> None:
    number = 2**50
    records = [
        Record("a", 0, 1.0, e.TrialStarted(trial=number, params={"x": 0.5, "n": 1, "c": 1})),
        Record("a", 1, 1.0, e.TrialCompleted(trial=number, values=(1.0,))),
        Record("b", 2**50, 1.0, e.Heartbeat()),
    ]
    state = fold(records)
    assert state.trials.numbers() == [number]
    assert state.writers["b"].known.missing == 2**50


def test_values_are_found_as_arrays() -> None:
    records = []
    for number in range(6):
        params = {"x": number / 10, "n": number + 1, "c": "1"}
        start = e.TrialStarted(trial=number, params=params, by="random")
        records.append(Record("a", 2 * number, 1.0, start))
        if number % 2:
            end = e.TrialCompleted(trial=number, values=(float(number),))
            records.append(Record("a", 2 * number + 1, 2.0, end))
    found = fold(records).trials.configurations()
    assert found.numbers.tolist() == list(range(6))
    assert found.rows[:, 0].tolist() == [n / 10 for n in range(6)]
    assert found.having(TrialState.COMPLETED).tolist() == [bool(n % 2) for n in range(6)]
    np.testing.assert_array_equal(found.values[1::2, 0], [1.0, 3.0, 5.0])


@given(st.lists(st.integers(0, 30)))
def test_a_sequence_set_is_a_set(numbers: list[int]) -> None:
    sequence, plain = SequenceSet(), set()
    for number in numbers:
        assert sequence.add(number) == (number not in plain)
        plain.add(number)
    assert sequence.end == max(plain, default=-1) + 1
    assert sequence.missing == len(set(range(sequence.end)) - plain)


def test_a_stop_and_a_reopening_of_one_generation_is_a_stop() -> None:
    stop = Record("a", 0, 1.0, e.StudyStopped(generation=2))
    reopen = Record("b", 0, 1.0, e.StudyReopened(generation=2))
    assert fold([stop, reopen]).stopped
    assert fold([reopen, stop]).stopped
    assert not fold([stop, Record("b", 0, 1.0, e.StudyReopened(generation=3))]).stopped


def test_an_attempt_started_twice_keeps_both_the_start_and_the_proposal() -> None:
    params = {"x": 0.25, "n": 2, "c": "1"}
    bare = Record("a", 0, 1.0, e.TrialStarted(trial=0))
    full = Record("b", 0, 3.0, e.TrialStarted(trial=0, params=params, by="sobol"))
    end = Record("b", 1, 4.0, e.TrialCompleted(trial=0, values=(1.0,)))
    for order in ([bare, full, end], [full, end, bare], [end, full, bare]):
        trial = fold(order).trials[0]
        assert trial.attempts[0].started is not None
        assert trial.attempts[0].started.time == 1.0
        assert trial.effective_proposal is not None
        assert trial.effective_proposal.stamp.time == 3.0


def test_reports_of_an_attempt_that_was_given_up_stay_its_own_in_any_order() -> None:
    """A process that was given up reports steps 4 and 5 late; the next went on from step 3."""
    params = {"x": 0.5, "n": 1, "c": 1}
    records = [
        Record("z", 0, 0.0, e.TrialStarted(trial=0, params=params, by="random")),
        Record("z", 1, 0.0, e.TrialReported(trial=0, steps=(1, 2, 3), values=(1.0, 2.0, 3.0))),
        Record("a", 0, 0.0, e.TrialStarted(trial=0, attempt=1, after=3)),
        Record("a", 1, 0.0, e.TrialReported(trial=0, attempt=1, steps=(4,), values=(40.0,))),
        Record("z", 2, 0.0, e.TrialReported(trial=0, steps=(4, 5), values=(4.0, 5.0))),
    ]
    for order in permutations(records):
        state = StudyState(SPACE, 1)
        state.apply_all(order)
        trial = state.trials[0]
        assert trial.curve == {1: 1.0, 2: 2.0, 3: 3.0, 4: 40.0}
        assert trial.last_step == 4
    state.apply(Record("z", 3, 0.0, e.TrialCompleted(trial=0, values=(0.5,))))
    assert state.trials[0].curve == {1: 1.0, 2: 2.0, 3: 3.0, 4: 4.0, 5: 5.0}


def test_an_attempt_that_began_anew_has_no_steps_of_others() -> None:
    params = {"x": 0.5, "n": 1, "c": 1}
    state = StudyState(SPACE, 1)
    state.apply_all(
        [
            Record("a", 0, 0.0, e.TrialStarted(trial=0, params=params, by="random")),
            Record("a", 1, 0.0, e.TrialReported(trial=0, steps=(1, 2), values=(1.0, 2.0))),
            Record("b", 0, 0.0, e.TrialStarted(trial=0, attempt=1, after=0)),
            Record("b", 1, 0.0, e.TrialReported(trial=0, attempt=1, steps=(1,), values=(10.0,))),
        ]
    )
    assert state.trials[0].curve == {1: 10.0}


def test_of_ensembles_with_one_name_the_latest_generation_holds() -> None:
    def built(name: str, generation: int, *members: int) -> e.EnsembleBuilt:
        return e.EnsembleBuilt(
            name=name,
            generation=generation,
            members=members,
            weights=(1 / len(members),) * len(members),
            aggregator="mean",
            loss="squared",
            candidates=9,
            single=0,
        )

    logs = {"a": [built("valid", 2, 1, 2), built("valid", 1, 3)], "b": [built("test", 1, 4)]}
    state = fold(records_of(logs))
    assert {n: found.members for n, (found, _) in state.ensembles.items()} == {
        "valid": (1, 2),
        "test": (4,),
    }
    # two processes that did not know of each other: everybody takes the same one
    logs["b"].append(built("valid", 2, 5))
    assert fold(records_of(logs)).ensembles["valid"][0].members == (5,)


def test_all_priors_hold_and_each_id_once() -> None:
    def registered(key: str, name: str) -> e.PriorRegistered:
        return e.PriorRegistered(id=key, name=name, trials=9, data={})

    logs = {
        "w2": [registered("b", "late"), registered("a", "x")],
        "w1": [registered("b", "early")],
    }
    assert [event.name for event in fold(records_of(logs)).registered_priors()] == ["x", "early"]
