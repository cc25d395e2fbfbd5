"""What every stopper promises, whichever it is and whatever the curves."""

from __future__ import annotations

import json
import math
from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsopt
from fsopt.errors import StudyError
from fsopt.objectives import Objectives
from fsopt.stop import (
    AllOf,
    AnyOf,
    ConstantStop,
    Curves,
    Decision,
    Hyperband,
    LearningCurveExtrapolation,
    MedianStop,
    Patience,
    PercentileStop,
    Stopper,
    SuccessiveHalving,
    Threshold,
)
from fsopt.stop.registry import STOPPERS, stopper_from_json, stopper_to_json

MAX = 27
STOPPER_CASES: dict[str, Stopper] = {
    "constant": ConstantStop(steps=2, max_steps=MAX),
    "constant-finish": ConstantStop(steps=2, finish=2, max_steps=MAX),
    "median": MedianStop(max_steps=MAX),
    "median-late": MedianStop(min_steps=4, interval=3, min_competing=2, max_steps=MAX),
    "percentile": PercentileStop(percentile=25, min_competing=1, max_steps=MAX),
    "halving": SuccessiveHalving(max_steps=MAX),
    "halving-pause": SuccessiveHalving(max_steps=MAX, pause=True),
    "halving-late": SuccessiveHalving(max_steps=MAX, min_steps=2, factor=2),
    "hyperband": Hyperband(max_steps=MAX),
    "hyperband-pause": Hyperband(max_steps=MAX, pause=True),
    "extrapolation": LearningCurveExtrapolation(max_steps=MAX, confidence=0.7),
    "extrapolation-pow3": LearningCurveExtrapolation(
        max_steps=MAX, families=("pow3",), min_steps=1
    ),
    "patience": Patience(steps=3, min_delta=0.1, max_steps=MAX),
    "threshold": Threshold(worst=0.5, min_steps=3, max_steps=MAX),
    "any": AnyOf(SuccessiveHalving(max_steps=MAX, pause=True), Patience(steps=4)),
    "any-pause": AnyOf(
        SuccessiveHalving(max_steps=MAX, pause=True),
        ConstantStop(steps=1, finish=3, max_steps=MAX),
    ),
    "all": AllOf(MedianStop(max_steps=MAX), AnyOf(Threshold(worst=0.7, max_steps=MAX))),
    "all-pause": AllOf(
        ConstantStop(steps=1, max_steps=MAX), SuccessiveHalving(max_steps=MAX, pause=True)
    ),
}
ALONE = ("constant", "patience", "threshold")
"""Those that stop a trial however good it is beside others."""

every_stopper = pytest.mark.parametrize("stopper", STOPPER_CASES.values(), ids=STOPPER_CASES)

Report = tuple[int, int, float]
values = st.one_of(
    st.sampled_from([0.0, 0.25, 0.5, math.nan, math.inf, -math.inf]),
    st.floats(-2, 2, allow_subnormal=False),
)


@st.composite
def reported(draw: st.DrawFn, least: int = 0) -> list[Report]:
    """Reports of some trials, in the order of trials and steps."""
    reports = []
    for trial in draw(st.lists(st.integers(0, 40), min_size=least, max_size=9, unique=True)):
        steps = draw(st.lists(st.integers(1, MAX + 2), min_size=1, max_size=8, unique=True))
        reports += [(trial, step, draw(values)) for step in sorted(steps)]
    return reports


def curves_of(reports: list[Report]) -> Curves:
    curves = Curves()
    for trial, step, value in reports:
        curves.report(trial, step, value)
    return curves


def trials_of(reports: list[Report]) -> list[int]:
    return sorted({trial for trial, _, _ in reports})


def drawn_study(seed: int, trials: int = 30) -> Curves:
    """Falling curves of different lengths."""
    rng = np.random.default_rng(seed)
    curves = Curves()
    for trial in range(trials):
        last, drop, rate = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.1, 2)
        for step in range(1, int(rng.integers(1, MAX + 1)) + 1):
            curves.report(trial, step, last + drop * step**-rate + rng.normal(0, 0.01))
    return curves


def test_every_registered_stopper_is_under_contract() -> None:
    assert {type(stopper) for stopper in STOPPER_CASES.values()} == set(STOPPERS.values())


def test_every_registered_stopper_is_public() -> None:
    for kind in STOPPERS.values():
        assert getattr(fsopt, kind.__name__) is kind
        assert len(fields(kind)) <= 8


@every_stopper
def test_it_is_a_stopper_that_can_be_recorded_and_read_back(stopper: Stopper) -> None:
    assert isinstance(stopper, Stopper)
    assert stopper_from_json(json.loads(json.dumps(stopper_to_json(stopper)))) == stopper


@every_stopper
def test_an_option_of_a_newer_version_is_an_error(stopper: Stopper) -> None:
    with pytest.raises(StudyError, match="no option 'colour'"):
        stopper_from_json(stopper_to_json(stopper) | {"colour": 1})


@every_stopper
def test_a_trial_without_reports_goes_on(stopper: Stopper) -> None:
    curves = drawn_study(0)
    curves.resume(1000)
    assert stopper.decide(curves, 1000, 0) is Decision.CONTINUE
    assert stopper.decide(curves, 1001, 0) is Decision.CONTINUE
    assert stopper.decide(Curves(), 0, 0) is Decision.CONTINUE


@every_stopper
def test_a_trial_ends_at_the_last_step(stopper: Stopper) -> None:
    for step in (MAX, MAX + 1):
        curves = drawn_study(1)
        curves.report(100, step, -10.0)
        assert stopper.decide(curves, 100, 0) is Decision.STOP


@every_stopper
def test_a_trial_that_is_alone_is_not_stopped_by_comparison(stopper: Stopper) -> None:
    curves = Curves()
    for step in range(1, MAX):
        curves.report(7, step, 5.0 - step)
        decision = stopper.decide(curves, 7, 0)
        if stopper.kind not in ALONE and not isinstance(stopper, AllOf):
            assert decision is not Decision.STOP


@every_stopper
@given(reports=reported(least=1), seed=st.integers(0, 5))
@settings(max_examples=15, deadline=None)
def test_a_trial_that_dominates_all_others_is_not_stopped(
    stopper: Stopper, reports: list[Report], seed: int
) -> None:
    if stopper.kind in ALONE:
        return
    curves = curves_of(reports)
    curves.is_full = True
    for trial in trials_of(reports):
        curves.end(trial)
    for step in range(1, MAX):
        curves.report(99, step, -9.0 - step)
        assert stopper.decide(curves, 99, seed) is not Decision.STOP


@every_stopper
@given(reports=reported(least=1), data=st.data())
@settings(max_examples=15, deadline=None)
def test_the_order_of_reports_does_not_matter(
    stopper: Stopper, reports: list[Report], data: st.DataObject
) -> None:
    one, other = curves_of(reports), Curves()
    changes = [("report", report) for report in reports]
    paused, failed = (data.draw(st.sets(st.sampled_from(trials_of(reports)))) for _ in range(2))
    changes += [("pause", (trial,)) for trial in paused - failed]
    changes += [("fail", (trial,)) for trial in failed]
    for name, given_ in changes[len(reports) :]:
        getattr(one, name)(*given_)
    for name, given_ in data.draw(st.permutations(changes)):
        getattr(other, name)(*given_)
        stopper.decide(other, trials_of(reports)[0], 3)  # so that columns are kept from early on
    for trial in trials_of(reports):
        assert stopper.decide(one, trial, 3) is stopper.decide(other, trial, 3)
    assert stopper.promote(one, 3) == stopper.promote(other, 3)


@every_stopper
@given(reports=reported(), is_full=st.booleans(), data=st.data())
@settings(max_examples=25, deadline=None)
def test_promoted_are_the_paused_trials_that_would_go_on(
    stopper: Stopper, reports: list[Report], is_full: bool, data: st.DataObject
) -> None:
    curves = curves_of(reports)
    curves.is_full = is_full
    for trial in trials_of(reports):
        if stopper.decide(curves, trial, 1) is Decision.PAUSE:
            curves.pause(trial)
        elif data.draw(st.booleans()):
            curves.end(trial)
    paused = curves.numbers[curves.is_paused].tolist()
    expected = {t for t in paused if stopper.decide(curves, t, 1) is Decision.CONTINUE}
    promoted = stopper.promote(curves, 1)
    assert set(promoted) == expected
    assert len(promoted) == len(expected)


@every_stopper
def test_a_curve_that_overflows_is_the_worst(stopper: Stopper) -> None:
    """Whatever a stopper stops at a finite value, it stops at one that is not."""
    for bad in (math.nan, math.inf, -math.inf):
        curves = drawn_study(2)
        for step in range(1, 10):
            for trial, value in ((50, 8.0), (51, bad)):
                curves.report(trial, step, value)
            if stopper.decide(curves, 50, 0) is not Decision.CONTINUE:
                assert stopper.decide(curves, 51, 0) is not Decision.CONTINUE or (
                    isinstance(stopper, Hyperband)  # the two may be in different brackets
                )


@every_stopper
def test_what_a_failed_trial_reported_is_no_competition(stopper: Stopper) -> None:
    without, failed = drawn_study(3), drawn_study(3)
    for trial in range(60, 63):
        for step in range(1, MAX + 1):
            without.report(trial, step, math.nan)
            failed.report(trial, step, -100.0)
        without.fail(trial)
        failed.fail(trial)
    for trial in range(30):
        assert stopper.decide(failed, trial, 0) is stopper.decide(without, trial, 0)


@every_stopper
def test_decisions_do_not_change_what_they_look_at(stopper: Stopper) -> None:
    curves, untouched = drawn_study(4), drawn_study(4)
    curves.pause(3)
    untouched.pause(3)
    first = [stopper.decide(curves, trial, 0) for trial in range(30)]
    stopper.promote(curves, 0)
    assert [stopper.decide(curves, trial, 0) for trial in range(30)] == first
    for trial in range(30):
        for mine, theirs in zip(curves.curve(trial), untouched.curve(trial), strict=True):
            np.testing.assert_array_equal(mine, theirs)


@every_stopper
def test_an_objective_to_maximise_is_the_same_upside_down(stopper: Stopper) -> None:
    """With values flipped where objectives are, and a threshold in their direction."""
    sign = Objectives.of({"accuracy": "maximize"})
    upside_down = Curves(lambda value: float(sign.to_minimise(np.array([[value]]))[0, 0]))
    curves = drawn_study(5)
    for trial in range(30):
        for step, value in zip(*curves.curve(trial), strict=True):
            reported_value = -float(value)
            upside_down.report(trial, int(step), upside_down.to_minimise(reported_value))
    text = json.dumps(stopper_to_json(stopper)).replace('"worst": 0', '"worst": -0')
    turned = stopper_from_json(json.loads(text))
    for trial in range(30):
        assert turned.decide(upside_down, trial, 0) is stopper.decide(curves, trial, 0)
