"""What a check of a study directory can find."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a problem is; the values are the words that are printed."""

    ERROR = "error"
    """Something acknowledged is damaged, or a promise of the protocol is broken."""
    WARNING = "warning"
    """Something is not as it should be, but nothing that was acknowledged is lost by it."""
    NOTE = "note"
    """What a crash or a foreign hand leaves behind; the protocol provides for it."""


_SEVERITIES = tuple(Severity)


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file of the study."""

    file: str
    """Relative to the study directory, with ``/``."""
    offset: int = 0
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as the protocol wants it."""

    file: str
    offset: int
    severity: Severity
    what: str

    @classmethod
    def at(cls, place: Place, severity: Severity, what: str) -> Problem:
        """A problem at a place."""
        return cls(place.file, place.offset, severity, what)

    def order(self) -> tuple[int, str, int]:
        """Sorts problems: the worst first, then by place."""
        return _SEVERITIES.index(self.severity), self.file, self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The result of a check."""

    events: int
    """Different events that could be read."""
    writers: int
    segments: int
    trials: int
    """Trials that at least one event tells of."""
    bytes: int
    """Bytes of log that were read."""
    problems: tuple[Problem, ...]
    """The worst first."""

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings and notes do no harm."""
        return not self.count(Severity.ERROR)

    def count(self, severity: Severity) -> int:
        """How many problems are of a severity."""
        return sum(problem.severity is severity for problem in self.problems)


def refusal(path: str, error: OSError) -> Problem:
    """The problem of a file or directory that the operating system refuses to read."""
    what = f"can't be read: {error.strerror or error}; what is in it was not checked"
    return Problem(path, 0, Severity.ERROR, what)
