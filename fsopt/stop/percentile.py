"""Stopping what is worse than a part of the others at the same step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.history import FloatArray
from fsopt.stop.base import Decision, NeverPauses, check_between, check_count
from fsopt.stop.curves import Curves


@dataclass(frozen=True, slots=True, kw_only=True)
class PercentileStop(NeverPauses):
    """Stops a trial whose value is worse than a percentile of all values at its step.

    Raises:
        StudyError: If an option is out of range.
    """

    percentile: float
    """How many of a hundred trials go on from each comparison to the next; less is stricter."""
    min_steps: int = 1
    """The step of the first comparison."""
    interval: int = 1
    """The steps from one comparison to the next."""
    min_competing: int = 5
    """How many trials must have reached a step, this one included, before one is stopped."""
    max_steps: int | None = None
    """The steps of a complete trial, if not the objective knows them."""

    kind: ClassVar[str] = "percentile"

    def __post_init__(self) -> None:
        check_between("percentile", self.percentile, 0, 100)
        for name in ("min_steps", "interval", "min_competing"):
            check_count(name, getattr(self, name))
        check_count("max_steps", self.max_steps, optional=True)

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        before, step = curves.last_steps(trial)
        if self.max_steps is not None and step >= self.max_steps:
            return Decision.STOP
        rung = step - (step - self.min_steps) % self.interval
        if rung < self.min_steps or rung <= before:
            return Decision.CONTINUE
        values = curves.at(rung)
        mine = values[curves.row(trial)]
        reached = values[~np.isnan(values)]
        if len(reached) < max(self.min_competing, 2):
            return Decision.CONTINUE
        limit = percentile(reached, self.percentile)
        return Decision.CONTINUE if np.isfinite(mine) and mine <= limit else Decision.STOP


@dataclass(frozen=True, slots=True, kw_only=True)
class MedianStop(NeverPauses):
    """Stops a trial whose value is worse than the median of all values at its step.

    The median of those that have come so far, which were not stopped before, so that about half of
    the trials goes on from each comparison to the next. Golovin, Solnik, Moitra, Kochanski, Karro,
    Sculley, "Google Vizier: a service for black-box optimization", KDD 2017, have a rule of this
    name that compares with means over steps.

    Raises:
        StudyError: If an option is out of range.
    """

    min_steps: int = 1
    """The step of the first comparison."""
    interval: int = 1
    """The steps from one comparison to the next."""
    min_competing: int = 5
    """How many trials must have reached a step, this one included, before one is stopped."""
    max_steps: int | None = None
    """The steps of a complete trial, if not the objective knows them."""

    kind: ClassVar[str] = "median"

    def __post_init__(self) -> None:
        self._percentile()

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        return self._percentile().decide(curves, trial, seed)

    def _percentile(self) -> PercentileStop:
        return PercentileStop(
            percentile=50,
            min_steps=self.min_steps,
            interval=self.interval,
            min_competing=self.min_competing,
            max_steps=self.max_steps,
        )


def percentile(values: FloatArray, share: float) -> float:
    """A percentile of values (n,) that may be infinite, interpolated between the two nearest."""
    place = share / 100 * (len(values) - 1)
    low = int(place)
    high = min(low + 1, len(values) - 1)
    ordered = np.partition(values, (low, high))
    if place == low or not np.isfinite(ordered[high]):
        return float(ordered[low])
    return float(ordered[low] + (place - low) * (ordered[high] - ordered[low]))
