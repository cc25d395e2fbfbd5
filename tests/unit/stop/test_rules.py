"""Rules about one trial, combinations, and how all are recorded."""

import math

import pytest

from fsopt.errors import StudyError
from fsopt.stop import (
    AllOf,
    AnyOf,
    ConstantStop,
    Curves,
    Decision,
    MedianStop,
    Patience,
    Threshold,
)
from fsopt.stop.base import NeverPauses
from fsopt.stop.registry import stopper_from_json, stopper_to_json


def stopped_at(stopper: Patience | Threshold, values: list[float]) -> int | None:
    curves = Curves()
    for step, value in enumerate(values, start=1):
        curves.report(0, step, value)
        if stopper.decide(curves, 0, 0) is Decision.STOP:
            return step
    return None


@pytest.mark.parametrize(
    ("values", "min_delta", "step"),
    [
        ([5.0, 4.0, 3.0, 2.0, 1.0], 0.0, None),
        ([5.0, 4.0, 4.0, 4.0, 4.0], 0.0, 4),
        ([5.0, 5.0, 4.9, 4.8, 4.7], 0.5, 3),
        ([5.0, 6.0, 4.0, 4.5, 4.1], 0.0, 5),
        ([math.nan, 4.0, 3.0, math.nan, math.inf], 0.0, 5),
        ([math.nan, math.nan, math.nan], 0.0, 3),
    ],
)
def test_patience_ends_after_some_steps_without_improvement(
    values: list[float], min_delta: float, step: int | None
) -> None:
    assert stopped_at(Patience(steps=2, min_delta=min_delta), values) == step


def test_patience_counts_steps_and_not_reports() -> None:
    curves = Curves()
    for step, value in ((1, 1.0), (20, 2.0)):
        curves.report(0, step, value)
    assert Patience(steps=19).decide(curves, 0, 0) is Decision.STOP
    assert Patience(steps=20).decide(curves, 0, 0) is Decision.CONTINUE


@pytest.mark.parametrize(
    ("values", "step"),
    [([9.0, 9.0, 0.5, 0.6], None), ([0.0, 0.0, 0.7], 3), ([0.0, 0.0, 0.0, math.nan], 4)],
)
def test_a_threshold_holds_from_its_step_on(values: list[float], step: int | None) -> None:
    assert stopped_at(Threshold(worst=0.6, min_steps=3), values) == step


def test_a_threshold_is_in_the_direction_of_the_objective() -> None:
    curves = Curves(lambda value: -value)
    for trial, accuracy in ((0, 0.7), (1, 0.5)):
        curves.report(trial, 1, curves.to_minimise(accuracy))
    assert Threshold(worst=0.6).decide(curves, 0, 0) is Decision.CONTINUE
    assert Threshold(worst=0.6).decide(curves, 1, 0) is Decision.STOP


C, P, S = Decision.CONTINUE, Decision.PAUSE, Decision.STOP


class Says(NeverPauses):
    kind = "says"
    max_steps = None

    def __init__(self, decision: Decision) -> None:
        self.decision = decision

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        return self.decision


@pytest.mark.parametrize("one", [C, P, S])
@pytest.mark.parametrize("other", [C, P, S])
def test_any_takes_the_severest_decision_and_all_the_mildest(
    one: Decision, other: Decision
) -> None:
    order = [C, P, S]
    parts = Says(one), Says(other)
    severest = max(parts, key=lambda part: order.index(part.decision)).decision
    mildest = min(parts, key=lambda part: order.index(part.decision)).decision
    assert AnyOf(*parts).decide(Curves(), 0, 0) is severest
    assert AllOf(*parts).decide(Curves(), 0, 0) is mildest


@pytest.mark.parametrize("kind", [AnyOf, AllOf])
def test_a_combination_is_made_of_stoppers(kind: type) -> None:
    with pytest.raises(StudyError, match="no stopper"):
        kind()
    with pytest.raises(StudyError, match="is expected, not 'median'"):
        kind("median")


def test_combinations_of_combinations_are_recorded() -> None:
    stopper = AnyOf(AllOf(MedianStop(), Patience(steps=3)), ConstantStop(steps=4, finish=2))
    written = stopper_to_json(stopper)
    assert written["stoppers"][0]["stoppers"][1] == {
        "kind": "patience",
        "steps": 3,
        "min_delta": 0.0,
        "max_steps": None,
    }
    assert stopper_from_json(written) == stopper


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"kind": "oracle"}, "unknown stopper 'oracle'"),
        (None, "unknown stopper None"),
        ({"kind": "patience"}, "can't be made of"),
        ({"kind": "patience", "steps": "3"}, "steps must be"),
        ({"kind": "any", "stoppers": [{"kind": "oracle"}]}, "unknown stopper 'oracle'"),
        ({"kind": "any"}, "no stopper"),
        ({"kind": "any", "stoppers": 3}, "can't be made of"),
        ({"kind": "extrapolation", "max_steps": 9, "families": 3}, "can't be made of"),
    ],
)
def test_what_makes_no_sense_is_not_read(data: object, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        stopper_from_json(data)


def test_only_known_stoppers_are_recorded() -> None:
    with pytest.raises(StudyError, match="Says can't be recorded"):
        stopper_to_json(Says(S))
