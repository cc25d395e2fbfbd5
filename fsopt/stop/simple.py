"""Rules about a trial alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from fsopt.errors import StudyError
from fsopt.stop.base import Decision, NeverPauses, check_count
from fsopt.stop.curves import Curves


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience(NeverPauses):
    """Stops a trial that has not improved for some steps.

    Raises:
        StudyError: If an option is out of range.
    """

    steps: int
    """For how many steps a trial may go on without improvement."""
    min_delta: float = 0.0
    """What counts as an improvement: by how much a value must be better than the best before."""
    max_steps: int | None = None
    """The steps of a complete trial, if not the objective knows them."""

    kind: ClassVar[str] = "patience"

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("max_steps", self.max_steps, optional=True)
        if not _is_finite(self.min_delta) or self.min_delta < 0:
            raise StudyError(f"min_delta must be a number of 0 or more, not {self.min_delta!r}")

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        steps, values = curves.curve(trial)
        if not len(steps):
            return Decision.CONTINUE
        if self.max_steps is not None and steps[-1] >= self.max_steps:
            return Decision.STOP
        best, improved = math.inf, int(steps[0])
        for step, value in zip(steps.tolist(), values.tolist(), strict=True):
            if value < best - (self.min_delta if best < math.inf else 0.0):
                best, improved = value, step
        return Decision.STOP if steps[-1] - improved >= self.steps else Decision.CONTINUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold(NeverPauses):
    """Stops a trial whose value is worse than a limit, or not finite.

    Raises:
        StudyError: If an option is out of range.
    """

    worst: float
    """The worst value with which a trial may go on, in the direction of the objective."""
    min_steps: int = 1
    """From which step on."""
    max_steps: int | None = None
    """The steps of a complete trial, if not the objective knows them."""

    kind: ClassVar[str] = "threshold"

    def __post_init__(self) -> None:
        check_count("min_steps", self.min_steps)
        check_count("max_steps", self.max_steps, optional=True)
        if not _is_finite(self.worst):
            raise StudyError(f"worst must be a number, not {self.worst!r}")

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        steps, values = curves.curve(trial)
        if not len(steps) or steps[-1] < self.min_steps:
            return Decision.CONTINUE
        is_over = self.max_steps is not None and steps[-1] >= self.max_steps
        if is_over or values[-1] > curves.to_minimise(self.worst):
            return Decision.STOP
        return Decision.CONTINUE


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
