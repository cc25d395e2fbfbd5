"""Several stoppers as one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from fsopt.errors import StudyError
from fsopt.stop.base import Decision, Stopper
from fsopt.stop.curves import Curves

_SEVERITY = list(Decision)  # in the order in which they are declared


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Stops a trial that any of its stoppers would stop; pauses one that any would pause.

    Raises:
        StudyError: If there is no stopper, or something else among them.
    """

    stoppers: tuple[Stopper, ...]
    """The parts, given as one argument each: ``AnyOf(Patience(steps=5), MedianStop())``."""

    kind: ClassVar[str] = "any"

    def __init__(self, *stoppers: Stopper) -> None:
        object.__setattr__(self, "stoppers", _checked(stoppers))

    @property
    def max_steps(self) -> int | None:
        """The steps of a complete trial: the fewest that a part knows."""
        return min(_known_max_steps(self.stoppers), default=None)

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        return any(part.pauses for part in self.stoppers)

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        decisions = (stopper.decide(curves, trial, seed) for stopper in self.stoppers)
        return max(decisions, key=_SEVERITY.index)

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that each part lets go on; see `Stopper.promote`."""
        promoted = (trial for part in self.stoppers for trial in part.promote(curves, seed))
        return [
            trial
            for trial in dict.fromkeys(promoted)
            if self.decide(curves, trial, seed) is Decision.CONTINUE
        ]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Stops a trial that all of its stoppers would stop; pauses one that all would not continue.

    Raises:
        StudyError: If there is no stopper, or something else among them.
    """

    stoppers: tuple[Stopper, ...]
    """The parts, given as one argument each: ``AllOf(Patience(steps=5), MedianStop())``."""

    kind: ClassVar[str] = "all"

    def __init__(self, *stoppers: Stopper) -> None:
        object.__setattr__(self, "stoppers", _checked(stoppers))

    @property
    def max_steps(self) -> int | None:
        """The steps of a complete trial: the most, if all parts know them."""
        known = _known_max_steps(self.stoppers)
        return max(known) if len(known) == len(self.stoppers) else None

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        return any(part.pauses for part in self.stoppers)

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        decisions = (stopper.decide(curves, trial, seed) for stopper in self.stoppers)
        return min(decisions, key=_SEVERITY.index)

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that any part lets go on now; see `Stopper.promote`."""
        paused = sorted(curves.numbers[curves.is_paused].tolist())
        return [trial for trial in paused if self.decide(curves, trial, seed) is Decision.CONTINUE]


def _checked(stoppers: tuple[object, ...]) -> tuple[Stopper, ...]:
    if not stoppers:
        raise StudyError("no stopper is given to combine")
    for stopper in stoppers:
        if not isinstance(stopper, Stopper):
            raise StudyError(f"a stopper such as fsopt.MedianStop() is expected, not {stopper!r}")
    return tuple(stopper for stopper in stoppers if isinstance(stopper, Stopper))


def _known_max_steps(stoppers: tuple[Stopper, ...]) -> list[int]:
    return [part.max_steps for part in stoppers if part.max_steps is not None]
