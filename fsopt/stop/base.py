"""What a stopper is: a pure decision on learning curves."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar, Protocol, runtime_checkable

from fsopt.errors import StudyError
from fsopt.stop.curves import Curves


class Decision(StrEnum):
    """What becomes of a trial after its newest report."""

    CONTINUE = "continue"
    """It goes on."""
    PAUSE = "pause"
    """It waits with its checkpoint, until it is promoted or nothing is left to promote it."""
    STOP = "stop"
    """It ends; if it has reached ``max_steps`` it is complete."""


@runtime_checkable
class Stopper(Protocol):
    """Decides which trials are worth more steps.

    Implementations are frozen dataclasses of at most eight options, so that a stopper can be
    recorded in the study; see `fsopt.stop.registry`. They hold no state: the same curves and seed
    give the same decision, in whatever order the reports came. Values of curves are to be
    minimised; a value that is not finite is worse than all others.

    A trial without reports is never stopped, and neither is one by comparison with nobody.
    """

    kind: ClassVar[str]
    """The name under which it is stored, such as ``"halving"``."""

    @property
    def max_steps(self) -> int | None:
        """The steps of a complete trial, if the stopper knows them."""
        ...

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        ...

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial.

        Args:
            curves: All reports so far.
            trial: The trial's number.
            seed: The study's seed.
        """
        ...

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that are to go on, the most worthwhile first.

        These are the paused trials for which `decide` would now say to continue.
        """
        ...


class NeverPauses:
    """A stopper that pauses no trial, so that there is none to promote."""

    __slots__ = ()

    @property
    def pauses(self) -> bool:
        """No; see `Stopper.pauses`."""
        return False

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """Nothing; see `Stopper.promote`."""
        return []


def check_count(name: str, count: object, least: int = 1, *, optional: bool = False) -> None:
    """Check an option that counts something.

    Raises:
        StudyError: If it is no integer, or too small; names the option.
    """
    if optional and count is None:
        return
    if type(count) is not int or count < least:
        allowed = f"an integer of {least} or more" + " or None" * optional
        raise StudyError(f"{name} must be {allowed}, not {count!r}")


def check_between(name: str, value: object, low: float, high: float) -> None:
    """Check an option that lies strictly between two numbers.

    Raises:
        StudyError: If it does not; names the option.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not low < value < high:
        raise StudyError(f"{name} must be a number between {low:g} and {high:g}, not {value!r}")
