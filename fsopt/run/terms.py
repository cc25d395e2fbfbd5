"""On what terms a process works on a study, how it says what it does, and what became of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from fsopt.errors import StudyError
from fsopt.objectives import Objectives
from fsopt.state import TrialRecord
from fsopt.study import Study

STOPPED = "stopped"
BUDGET = "budget"
EXHAUSTED = "exhausted"
TARGET = "target"
PATIENCE = "patience"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a process has done its part; others may work on with limits of their own.

    Raises:
        StudyError: If a limit makes no sense.
    """

    trials: int | None = None
    """How many trials the study shall have in all."""
    timeout: float | None = None
    """Seconds."""
    target: Mapping[str, float] = field(default_factory=dict)
    """By objective, the value to be reached: by one trial, if there are several."""
    patience: int | None = None
    """How many finished trials of the whole study may bring no improvement."""
    grace: float = 20.0
    """Seconds that running evaluations have to checkpoint when the process has to leave. Slurm
    kills 30 seconds after it has asked."""

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise StudyError(f"trials must be 1 or more, not {self.trials}")
        if self.timeout is not None and not self.timeout > 0:
            raise StudyError(f"timeout must be a positive number of seconds, not {self.timeout}")
        if self.patience is not None and self.patience < 1:
            raise StudyError(f"patience must be 1 or more trials, not {self.patience}")


def read_target(
    given: float | Mapping[str, float] | None, objectives: Objectives
) -> Mapping[str, float]:
    """By objective, the values that a limit names.

    Args:
        given: A number, where there is one objective; or some of the objectives with numbers.
        objectives: Of the study.

    Raises:
        StudyError: If it names no objective, or does not say which, or a value is not finite.
    """
    names = tuple(objectives.directions)
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        if len(names) > 1:
            raise StudyError(
                f"the study has several objectives ({', '.join(names)}); say which one's target "
                f"it is, as {names[0]}={given}. One trial must reach all that are named"
            )
        given = {names[0]: given}
    for name, value in given.items():
        if name not in names:
            raise StudyError(f"target: no objective {name!r}; there is {', '.join(names)}")
        if not math.isfinite(value):
            raise StudyError(f"the target of {name} must be a finite number, not {value}")
    return dict(given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a run."""

    reason: str
    """Why it ended: ``budget``, ``exhausted``, ``target``, ``patience``, ``stopped``, ``timeout``
    or ``preempted``."""
    evaluated: int
    """How many trials this process has finished."""
    seconds: float


class Progress(Protocol):
    """Is told what happens, to show it to people."""

    def finished(self, study: Study, trial: TrialRecord) -> None:
        """A trial that this process evaluated is finished, and durably recorded."""
        ...

    def tick(self, study: Study, running: int) -> None:
        """Some time has passed; this process evaluates that many trials now."""
        ...

    def notice(self, text: str) -> None:
        """Something that a person should know."""
        ...


class Silence:
    """Shows nothing."""

    def finished(self, study: Study, trial: TrialRecord) -> None:
        """Says nothing."""

    def tick(self, study: Study, running: int) -> None:
        """Says nothing."""

    def notice(self, text: str) -> None:
        """Says nothing."""
