"""Who proposes and who evaluates, where these are not the same processes.

A proposer keeps some trials waiting; an evaluator takes them and needs no model. They know of each
other from the log alone: a process says its role when it begins, and shows signs of life.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from fsopt.errors import StudyError
from fsopt.state import TrialState
from fsopt.study.session import Session

_PAUSE = 15.0
"""Seconds that a new proposer has to appear before an evaluator does without, at most."""

_WINDOW = 30.0
"""Seconds over which is measured how fast waiting trials are taken."""

_LATENCY = 2.0
"""Seconds after which a trial that was taken is seen to be, and one that was proposed."""

_MOST_AT_ONCE = 100
"""So many trials are proposed together at most: those who wait see none of them before."""


class Role(StrEnum):
    """What a process does in a study."""

    BOTH = "both"
    PROPOSE = "propose"
    EVALUATE = "evaluate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What a process does, and how.

    Raises:
        StudyError: If an option makes no sense.
    """

    role: Role = Role.BOTH
    ahead: int | None = None
    """A proposer keeps so many trials waiting beyond those that idle evaluators take at once.
    None: as many as evaluators take while it makes the next proposals."""
    waits: bool = False
    """Whether an evaluator waits for a proposer as long as it takes, and never proposes."""

    def __post_init__(self) -> None:
        if self.ahead is not None and self.ahead < 1:
            raise StudyError(f"ahead must be 1 or more trials, not {self.ahead}")
        if self.ahead is not None and self.role is not Role.PROPOSE:
            raise StudyError("ahead is for the role propose: who evaluates proposes when it must")
        if self.waits and self.role is not Role.EVALUATE:
            raise StudyError("to wait for a proposer is for the role evaluate")


EVERYTHING = Part()
"""To propose and to evaluate."""


class Company:
    """The other processes of a study, by their roles, as one of them knows them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.pause = min(_PAUSE, session.config.lease / 4)
        """Seconds without a proposer after which nobody counts on one, less than a lease."""

    def proposers(self) -> set[str]:
        """Writers that only propose and have shown signs of life; their logs are followed."""
        session, patience = self._session, self._session.config.lease - self.pause
        live = {
            name
            for name in self._live(Role.PROPOSE)
            if name == session.writer or session.journal.quiet(name) <= patience
        }
        session.journal.follow(live - {session.writer})
        return live

    def evaluators(self) -> dict[str, int]:
        """Writers that only evaluate and are not lost, with how many trials each takes."""
        slots = {}
        for name in self._live(Role.EVALUATE):
            started = self._session.state.writers[name].started
            slots[name] = started.slots if started is not None else 0
        return slots

    def _live(self, role: Role) -> list[str]:
        session = self._session
        return [
            name
            for name, writer in session.state.writers.items()
            if writer.started is not None
            and writer.started.role == role
            and not session.is_lost(name)
        ]


class Reliance:
    """Tells an evaluator whether to wait for a proposer, or to propose by itself."""

    def __init__(self, session: Session, *, waits: bool, tell: Callable[[str], None]) -> None:
        """Relies on a proposer at first.

        Args:
            session: Of the evaluator.
            waits: Whether it waits as long as it takes.
            tell: Told when that changes.
        """
        self._clock = session.clock
        self._company = Company(session)
        self._waits = waits
        self._tell = tell
        self._alone_since: float | None = None
        self._has_told = False

    def must_propose(self) -> bool:
        """Whether there is no proposer to wait for."""
        now = self._clock()
        if self._company.proposers():
            if self._has_told:
                self._tell("there is a process that proposes again")
            self._alone_since, self._has_told = None, False
            return False
        if self._alone_since is None:
            self._alone_since = now
        if now - self._alone_since < self._company.pause:
            return False
        if not self._has_told:
            what = "waiting for one" if self._waits else "proposing here until there is one"
            self._tell(f"no process proposes: {what}")
            self._has_told = True
        return not self._waits


@dataclass(slots=True)
class Supply:
    """Tells a proposer how many trials to propose.

    As few as keep the evaluators busy: a trial that was proposed long before it starts is based on
    what was known then.
    """

    session: Session
    ahead: int | None = None
    _company: Company = field(init=False)
    _began: float = field(init=False)
    _waiting: int = 0
    """How many trials waited when this was last asked, with those proposed since."""
    _taken: deque[tuple[float, int]] = field(default_factory=deque)
    """When how many of them were seen to be taken."""
    _thinking: float = 0.0

    def __post_init__(self) -> None:
        self._company, self._began = Company(self.session), self.session.clock()

    def wanted(self, limit: int | None) -> int:
        """How many trials to propose now.

        Args:
            limit: Only trial numbers below it count, if given.
        """
        slots = self._company.evaluators()
        stopping = self.session.stopping
        parked = stopping.parked() if stopping is not None else ()
        waiting = busy = 0
        for trial in self.session.state.unfinished():
            if trial.state is not TrialState.RUNNING:
                is_near = limit is None or trial.number < limit
                waiting += is_near and trial.number not in parked
            elif trial.decisive is not None and trial.decisive.writer in slots:
                busy += 1
        now = self.session.clock()
        self._taken.append((now, max(self._waiting - waiting, 0)))
        while now - self._taken[0][0] > _WINDOW:
            self._taken.popleft()
        self._waiting = waiting
        capacity = sum(slots.values())
        missing = max(capacity - busy, 0) + self._reserve(now, capacity) - waiting
        share = math.ceil(missing / max(len(self._company.proposers()), 1))
        return max(min(share, _MOST_AT_ONCE), 0)

    def proposed(self, count: int, seconds: float) -> None:
        """So many trials were proposed, which took so long."""
        self._waiting += count
        self._thinking = seconds

    def _reserve(self, now: float, capacity: int) -> int:
        if self.ahead is not None:
            return self.ahead
        span = min(max(now - self._began, 1.0), _WINDOW)
        rate = sum(count for _, count in self._taken) / span
        enough = 1 + math.ceil(rate * (self._thinking + _LATENCY))
        return min(enough, max(capacity, 1))
