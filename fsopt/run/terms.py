"""On what terms a process works on a study, how it says what it does, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fsopt.errors import StudyError
from fsopt.state import TrialRecord
from fsopt.study import Study

STOPPED = "stopped"
BUDGET = "budget"
EXHAUSTED = "exhausted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a process has done its part.

    Raises:
        StudyError: If a limit makes no sense.
    """

    trials: int | None = None
    """How many trials the study shall have in all."""
    timeout: float | None = None
    """Seconds."""
    grace: float = 30.0
    """Seconds that running evaluations have to checkpoint when the process has to leave."""

    def __post_init__(self) -> None:
        if self.trials is not None and self.trials < 1:
            raise StudyError(f"trials must be 1 or more, not {self.trials}")
        if self.timeout is not None and not self.timeout > 0:
            raise StudyError(f"timeout must be a positive number of seconds, not {self.timeout}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What became of a run."""

    reason: str
    """Why it ended: ``budget``, ``exhausted``, ``stopped``, ``timeout`` or ``preempted``."""
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
