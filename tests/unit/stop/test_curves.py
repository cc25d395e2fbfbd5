"""What curves remember, against a plain computation from all reports."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.stop.curves import Curves, best_rows

reports = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.integers(1, 12),
        st.one_of(st.floats(-1, 1), st.sampled_from([math.nan, math.inf, -math.inf])),
    ),
    max_size=40,
)


def first_at(told: dict[int, dict[int, float]], trial: int, step: int) -> float:
    reached = [known for known in told[trial] if known >= step]
    if not reached:
        return math.nan
    value = told[trial][min(reached)]
    return value if math.isfinite(value) else math.inf


@given(before=reports, after=reports, watched=st.lists(st.integers(1, 13), max_size=5))
def test_a_column_is_the_first_value_at_or_after_its_step(
    before: list[tuple[int, int, float]],
    after: list[tuple[int, int, float]],
    watched: list[int],
) -> None:
    curves = Curves()
    told: dict[int, dict[int, float]] = {}
    for part in (before, after):
        for trial, step, value in part:
            curves.report(trial, step, value)
            told.setdefault(trial, {})[step] = value
        for step in watched:
            assert len(curves.at(step)) == len(curves) == len(told)
            for trial in told:
                assert curves.at(step)[curves.row(trial)] == pytest.approx(
                    first_at(told, trial, step), nan_ok=True
                )
    for trial, known in told.items():
        steps, values = curves.curve(trial)
        assert steps.tolist() == sorted(known)
        assert curves.last_steps(trial)[1] == max(known)
        expected = [known[s] if math.isfinite(known[s]) else math.inf for s in sorted(known)]
        assert values.tolist() == expected


def test_there_may_be_many_trials() -> None:
    curves = Curves()
    curves.at(3)
    for trial in range(1000):
        curves.report(2 * trial, 3, float(trial))
    curves.pause(998)
    np.testing.assert_array_equal(curves.at(3), np.arange(1000.0))
    np.testing.assert_array_equal(curves.numbers, 2 * np.arange(1000))
    assert np.flatnonzero(curves.is_paused).tolist() == [499]


def test_a_failed_trial_that_is_tried_again_has_its_values_back() -> None:
    curves = Curves()
    curves.report(4, 2, 0.5)
    assert curves.at(2)[0] == 0.5
    curves.fail(4)
    assert curves.at(2)[0] == math.inf
    assert curves.has_ended[0]
    curves.report(4, 3, 0.1)
    assert curves.at(3)[0] == math.inf
    curves.resume(4)
    assert curves.at(2)[0] == 0.5
    assert curves.at(3)[0] == 0.1
    assert not curves.has_ended[0]


def test_the_two_last_steps_of_short_curves() -> None:
    curves = Curves()
    assert curves.last_steps(1) == (0, 0)
    curves.report(1, 4, 0.0)
    assert curves.last_steps(1) == (0, 4)
    curves.report(1, 2, 0.0)
    assert curves.last_steps(1) == (2, 4)


@given(
    values=st.lists(st.sampled_from([0.0, 1.0, 2.0, math.inf]), max_size=12),
    count=st.integers(0, 14),
    data=st.data(),
)
def test_the_best_rows_are_those_that_sorting_finds(
    values: list[float], count: int, data: st.DataObject
) -> None:
    numbers = data.draw(st.permutations(range(len(values))))
    found = best_rows(np.array(values), np.array(numbers, dtype=np.int64), count)
    ordered = sorted(range(len(values)), key=lambda row: (values[row], numbers[row]))
    assert sorted(found.tolist()) == sorted(ordered[:count])


@given(before=reports, after=reports, watched=st.lists(st.integers(1, 13), max_size=5))
def test_a_replaced_curve_is_as_if_nothing_else_had_been_told(
    before: list[tuple[int, int, float]],
    after: list[tuple[int, int, float]],
    watched: list[int],
) -> None:
    replaced, fresh = Curves(), Curves()
    for trial, step, value in before:
        replaced.report(trial, step, value)
    for step in watched:
        replaced.at(step)
    for trial in sorted({trial for trial, _, _ in before + after}):
        mine = {step: value for other, step, value in after if other == trial}
        replaced.replace(trial, mine)
        fresh.replace(trial, {})
        for step, value in mine.items():
            fresh.report(trial, step, value)
        assert replaced.last_steps(trial) == fresh.last_steps(trial)
        assert np.array_equal(replaced.curve(trial), fresh.curve(trial))
        for step in watched:
            one, other = (c.at(step)[c.row(trial)] for c in (replaced, fresh))
            assert one == pytest.approx(other, nan_ok=True)
