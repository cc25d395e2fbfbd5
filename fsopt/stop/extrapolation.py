"""Stopping trials that will hardly become the best."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.stop.base import Decision, NeverPauses, check_between, check_count
from fsopt.stop.curves import Curves
from fsopt.stop.families import FAMILIES
from fsopt.stop.forecast import forecast

_GROWTH = 1.1  # of the steps from one decision to the next
_NORMAL_IQR = 1.349  # the distance of a normal distribution's quartiles, in standard deviations


@dataclass(frozen=True, slots=True, kw_only=True)
class LearningCurveExtrapolation(NeverPauses):
    """Stops a trial that is unlikely to end better than the best one so far.

    After Domhan, Springenberg, Hutter, IJCAI 2015: the posterior of many families of curves,
    given what the trial has reported, tells how probable it is that its last value will be better
    than that of the best trial; see `forecast`. As long as no trial is complete, none is stopped.
    The question is asked each time that steps have grown by a tenth, as long as the trial is not
    as good as the best already.

    Raises:
        StudyError: If an option is out of range.
    """

    max_steps: int
    """The steps of a complete trial."""
    min_steps: int = 3
    """From how many reports on curves are extrapolated."""
    confidence: float = 0.9
    """How probable it must be that a trial will not be the best, to stop it."""
    families: tuple[str, ...] = tuple(FAMILIES)
    """Which curves are thought of; see `FAMILIES`."""

    kind: ClassVar[str] = "extrapolation"

    def __post_init__(self) -> None:
        check_count("max_steps", self.max_steps)
        check_count("min_steps", self.min_steps)
        check_between("confidence", self.confidence, 0, 1)
        object.__setattr__(self, "families", tuple(self.families))
        unknown = [name for name in self.families if name not in FAMILIES]
        if unknown or not self.families:
            what = f"there is no {unknown[0]!r}" if unknown else "there is none"
            raise StudyError(f"families: {what}; known are {', '.join(FAMILIES)}")

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        before, step = curves.last_steps(trial)
        if step >= self.max_steps:
            return Decision.STOP
        is_due = not before or _tenths(step) > _tenths(before)
        best = _least(curves.at(self.max_steps))
        steps, values = curves.curve(trial)
        if not is_due or best is None or len(steps) < self.min_steps or values[-1] <= best:
            return Decision.CONTINUE
        if not np.isfinite(values[-1]):
            return Decision.STOP
        is_finite = np.isfinite(values)
        spread = _deviation(curves.at(int(steps[0])))
        future = forecast(
            steps[is_finite], values[is_finite], self.max_steps, self.families, spread
        )
        hopeless = future.below(best) < 1 - self.confidence
        return Decision.STOP if hopeless else Decision.CONTINUE


def _tenths(step: int) -> int:
    """How often one step can grow by a tenth before it is this one."""
    return int(math.log(step, _GROWTH))


def _least(values: FloatArray) -> float | None:
    finite = values[np.isfinite(values)]
    return float(finite.min()) if len(finite) else None


def _deviation(values: FloatArray) -> float:
    """A robust standard deviation of what is finite; 0 if there is too little."""
    finite = values[np.isfinite(values)]
    if len(finite) < 4:
        return 0.0
    low, high = np.percentile(finite, [25, 75])
    return float(high - low) / _NORMAL_IQR
