"""One evaluation: calling the objective, and what comes of it as plain data."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from fsopt.objectives import Failure, Objectives
from fsopt.trial import STOPPER, Assignment, Trial
from fsopt.values import Value

Objective: TypeAlias = Callable[[Trial], Any]
"""What users write: takes a trial, returns a number, several, or a `Failure`."""

_REASON_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Reported:
    """The objective reported an intermediate value."""

    number: int
    attempt: int
    step: int
    value: float


@dataclass(frozen=True, slots=True)
class Attributed:
    """The objective set an attribute."""

    number: int
    attempt: int
    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class Ended:
    """The evaluation is over: with values, with a failure, or because it was told to stop."""

    number: int
    attempt: int
    duration: float | None
    """Seconds; None if the evaluation's process died with it."""
    result: tuple[float, ...] | Failure | None
    """None if the objective was told to stop and did, unless the stopper told it and it returned
    values, or a `Failure`."""
    stop_reason: str | None = None
    traceback: str | None = None


Message: TypeAlias = Reported | Attributed | Ended


class Listener(Protocol):
    """Who evaluations talk to: the worker loop."""

    def receive(self, message: Message) -> None:
        """Take in what an evaluation says."""
        ...

    def stop_reason(self) -> str | None:
        """Why evaluations should end now, if they should."""
        ...


class FailedProgramError(Exception):
    """A program that is the objective failed; the message says why, in a few words."""


def evaluate(
    objective: Objective, trial: Trial, assignment: Assignment, objectives: Objectives
) -> Ended:
    """Call the objective; whatever it does becomes data.

    Exceptions, and results that are no finite numbers, make a `Failure` with the reason.
    """
    start = time.monotonic()
    text = None
    result: tuple[float, ...] | Failure | None
    try:
        returned = objective(trial)
    except FailedProgramError as error:
        result = Failure(str(error))
    except SystemExit as error:
        result, text = Failure(f"exit {error.code}"), traceback.format_exc()
    except Exception as error:  # noqa: BLE001 - this is where the user's code is called
        result, text = Failure(describe(error)), traceback.format_exc()
    else:
        result = _result(returned, trial.observed_stop, objectives)
    return Ended(
        number=assignment.number,
        attempt=assignment.attempt,
        duration=round(time.monotonic() - start, 6),
        result=result,
        stop_reason=trial.observed_stop,
        traceback=text,
    )


def _result(
    returned: object, stop_reason: str | None, objectives: Objectives
) -> tuple[float, ...] | Failure | None:
    if stop_reason is None:
        return objectives.read(returned)
    return objectives.read_if_any(returned) if stop_reason == STOPPER else None


def describe(error: BaseException) -> str:
    """An exception in one line: its type and the first line of its message."""
    lines = str(error).strip().splitlines()
    text = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    return text if len(text) <= _REASON_LENGTH else text[: _REASON_LENGTH - 3] + "..."
