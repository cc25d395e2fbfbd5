"""Comparisons at rungs, against what sorting says."""

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.stop import (
    ConstantStop,
    Curves,
    Decision,
    Hyperband,
    MedianStop,
    PercentileStop,
    Stopper,
    SuccessiveHalving,
)
from fsopt.stop.halving import rungs_between
from fsopt.stop.percentile import percentile


def study_at(step: int, values: list[float]) -> Curves:
    curves = Curves()
    for trial, value in enumerate(values):
        curves.report(trial, step, value)
    return curves


def random_values(seed: int, count: int) -> list[float]:
    """With ties."""
    return np.random.default_rng(seed).integers(0, count, count).astype(float).tolist()


@pytest.mark.parametrize(
    ("least", "most", "factor", "rungs"),
    [
        (1, 81, 3, (1, 3, 9, 27)),
        (1, 80, 3, (1, 3, 9, 27)),
        (2, 9, 2, (2, 4, 8)),
        (5, 5, 2, ()),
        (1, 2, 3, (1,)),
    ],
)
def test_rungs_grow_by_the_factor_and_end_below_the_last_step(
    least: int, most: int, factor: int, rungs: tuple[int, ...]
) -> None:
    assert rungs_between(least, most, factor) == rungs


@pytest.mark.parametrize("factor", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_halving_lets_those_go_on_that_are_no_worse_than_the_last_of_the_best(
    factor: int, count: int
) -> None:
    values = random_values(count, count)
    curves = study_at(factor, values)
    limit = sorted(values)[max(1, count // factor) - 1]
    for trial, value in enumerate(values):
        decision = SuccessiveHalving(max_steps=100, factor=factor).decide(curves, trial, 0)
        assert decision is (Decision.CONTINUE if value <= limit else Decision.STOP)


@pytest.mark.parametrize("factor", [2, 3])
@pytest.mark.parametrize("count", [1, 2, 5, 9, 30])
def test_halving_with_pauses_promotes_exactly_the_best_part(factor: int, count: int) -> None:
    values = random_values(count, count)
    curves = study_at(factor, values)
    stopper = SuccessiveHalving(max_steps=100, factor=factor, pause=True)
    ordered = sorted(range(count), key=lambda trial: (values[trial], trial))
    for trial in range(count):
        assert stopper.decide(curves, trial, 0) is (
            Decision.CONTINUE if trial in ordered[: count // factor] else Decision.PAUSE
        )
        curves.pause(trial)
    assert stopper.promote(curves, 0) == ordered[: count // factor]


def test_who_has_left_a_rung_counts_there_but_is_not_promoted_again() -> None:
    curves = study_at(1, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0])
    stopper = SuccessiveHalving(max_steps=27, pause=True)
    curves.report(0, 3, 9.0)
    for trial in range(6):
        curves.pause(trial)
    assert stopper.promote(curves, 0) == [1]
    curves.report(1, 3, 8.0)
    curves.report(2, 3, 7.0)
    assert stopper.promote(curves, 0) == [2]


def test_between_rungs_nothing_is_decided() -> None:
    curves = study_at(3, [0.0, 1.0, 2.0, 3.0])
    for pause in (False, True):
        stopper = SuccessiveHalving(max_steps=27, pause=pause)
        assert stopper.decide(curves, 3, 0) is not Decision.CONTINUE
        curves.report(3, 4, 3.0)
        assert stopper.decide(curves, 3, 0) is Decision.CONTINUE
        curves = study_at(3, [0.0, 1.0, 2.0, 3.0])


def test_a_report_that_skips_a_rung_is_compared_there() -> None:
    curves = study_at(9, [0.0, 1.0, 2.0])
    curves.report(3, 2, 5.0)
    curves.report(3, 10, 5.0)
    assert SuccessiveHalving(max_steps=27).decide(curves, 3, 0) is Decision.STOP


def test_when_no_more_trials_begin_the_best_of_the_highest_rung_goes_on() -> None:
    curves = study_at(1, [3.0, 2.0])
    curves.report(2, 3, 0.0)
    stopper = SuccessiveHalving(max_steps=9, pause=True)
    curves.pause(0)
    curves.pause(1)
    assert stopper.promote(curves, 0) == []
    assert stopper.decide(curves, 2, 0) is Decision.PAUSE
    curves.is_full = True
    assert stopper.promote(curves, 0) == []  # trial 2 goes on
    assert stopper.decide(curves, 2, 0) is Decision.CONTINUE
    curves.pause(2)
    assert stopper.promote(curves, 0) == [2]
    curves.report(2, 9, 9.0)
    curves.end(2)
    assert stopper.promote(curves, 0) == []


def test_brackets_have_their_shares_and_depend_on_the_seed() -> None:
    stopper = Hyperband(max_steps=81)
    shares = np.array([3.0**s / (s + 1) for s in (4, 3, 2, 1, 0)])
    counts = np.bincount(stopper.brackets(np.arange(1000), 5), minlength=5)
    np.testing.assert_allclose(counts / 1000, shares / shares.sum(), atol=0.005)
    for trial in range(20):
        assert stopper.brackets(trial, 5) == stopper.brackets(np.arange(20), 5)[trial]
    assert (stopper.brackets(np.arange(100), 5) != stopper.brackets(np.arange(100), 6)).any()


def test_trials_compete_in_their_bracket_from_its_first_rung() -> None:
    stopper = Hyperband(max_steps=9)
    brackets = stopper.brackets(np.arange(200), 0)
    for bracket, first in enumerate((1, 3)):
        mine = np.flatnonzero(brackets == bracket)
        for step in (1, 3):
            curves = Curves()
            for trial in range(200):  # others are better
                curves.report(trial, step, float(trial) - 1000 * (trial not in mine))
            limit = mine[max(1, len(mine) // 3) - 1]
            for trial in mine.tolist():
                stops = step >= first and trial > limit
                expected = Decision.STOP if stops else Decision.CONTINUE
                assert stopper.decide(curves, trial, 0) is expected


@pytest.mark.parametrize("count", [1, 4, 5, 6, 21])
def test_the_median_rule_compares_with_the_median(count: int) -> None:
    values = random_values(count + 1, count)
    curves = study_at(4, values)
    for trial, value in enumerate(values):
        stops = count >= 5 and value > np.median(values)
        assert MedianStop().decide(curves, trial, 0) is (
            Decision.STOP if stops else Decision.CONTINUE
        )


def test_percentiles_are_those_of_numpy() -> None:
    values = np.random.default_rng(0).normal(size=11)
    for share in (0.1, 10, 25, 50, 62.5, 99):
        assert percentile(values, share) == pytest.approx(np.percentile(values, share))


def test_infinite_values_do_not_raise_a_percentile_to_infinity_before_it_is_due() -> None:
    assert percentile(np.array([0.0, 1.0, np.inf]), 50) == 1.0
    assert percentile(np.array([0.0, 1.0, np.inf]), 60) == 1.0
    assert percentile(np.array([0.0, np.inf, np.inf]), 50) == np.inf


def test_percentiles_are_compared_at_intervals() -> None:
    stopper = PercentileStop(percentile=50, min_steps=3, interval=4, min_competing=2)
    stopped = []
    for step in range(1, 13):
        curves = Curves()
        for trial in (0, 1, 2):
            for earlier in range(1, step + 1):
                curves.report(trial, earlier, float(trial))
        if stopper.decide(curves, 2, 0) is Decision.STOP:
            stopped.append(step)
    assert stopped == [3, 7, 11]


def test_the_best_are_finished_once_all_have_their_first_steps() -> None:
    stopper = ConstantStop(steps=2, finish=2, max_steps=9)
    curves = study_at(2, [5.0, 3.0, 4.0, np.nan])
    curves.report(4, 1, 0.0)
    for trial in range(4):
        assert stopper.decide(curves, trial, 0) is Decision.PAUSE
        curves.pause(trial)
    curves.is_full = True
    assert stopper.promote(curves, 0) == []
    curves.fail(4)
    assert stopper.promote(curves, 0) == [1, 2]
    curves.resume(1)
    assert stopper.promote(curves, 0) == [2]


@pytest.mark.parametrize(
    "stopper",
    [
        SuccessiveHalving(max_steps=9),
        MedianStop(min_competing=2),
        SuccessiveHalving(max_steps=9, pause=True),
        ConstantStop(steps=1, finish=2),
    ],
)
def test_where_all_overflow_nobody_goes_on(stopper: Stopper) -> None:
    curves = study_at(1, [np.nan, np.inf, np.nan])
    curves.is_full = True
    for trial in range(3):
        assert stopper.decide(curves, trial, 0) is not Decision.CONTINUE
        curves.pause(trial)
    assert stopper.promote(curves, 0) == []


@pytest.mark.parametrize(
    ("kind", "options", "named"),
    [
        (SuccessiveHalving, {"max_steps": 0}, "max_steps"),
        (SuccessiveHalving, {"max_steps": 9, "min_steps": 10}, "min_steps, 10,"),
        (SuccessiveHalving, {"max_steps": 9, "factor": 1}, "factor"),
        (Hyperband, {"max_steps": 9, "pause": 1}, "pause"),
        (MedianStop, {"interval": 0}, "interval"),
        (PercentileStop, {"percentile": 100}, "percentile"),
        (ConstantStop, {"steps": 2.5}, "steps"),
        (ConstantStop, {"steps": 5, "max_steps": 4}, "max_steps"),
    ],
)
def test_an_option_out_of_range_is_named(
    kind: type, options: dict[str, object], named: str
) -> None:
    with pytest.raises(StudyError, match=named):
        kind(**options)
