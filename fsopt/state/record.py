"""One trial as its events tell it.

Every method that takes in an event is commutative and idempotent, so a trial ends up the same
whatever the order in which the logs of different processes are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from fsopt.state.lifecycle import OUTCOME_RANK, TrialState
from fsopt.values import Params, Value


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where an event stands: orders what only the order of logs could, without any clock."""

    writer: str
    seq: int
    time: float

    @property
    def key(self) -> tuple[str, int]:
        """Total order over all events of a study."""
        return self.writer, self.seq


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration, and who made it up."""

    params: Params
    by: str
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Report:
    """An intermediate value."""

    value: float
    stamp: Stamp


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    state: TrialState
    stamp: Stamp
    values: tuple[float, ...] = ()
    reason: str | None = None
    duration: float | None = None

    def outranks(self, other: Outcome) -> bool:
        """Whether this one holds if both are told of the same attempt."""
        mine, others = OUTCOME_RANK[self.state], OUTCOME_RANK[other.state]
        return mine > others or (mine == others and self.stamp.key < other.stamp.key)


@dataclass(slots=True)
class Attempt:
    """One try at evaluating a trial."""

    index: int
    started: Stamp | None = None
    leased: bool = True
    after: int | None = None
    """The last step of earlier attempts that it goes on from; None where nobody said."""
    proposal: Proposal | None = None
    outcome: Outcome | None = None
    reports: dict[int, Report] = field(default_factory=dict)

    @property
    def writer(self) -> str | None:
        """The process that evaluates it."""
        return self.started.writer if self.started else None

    def add_start(
        self,
        stamp: Stamp,
        *,
        leased: bool,
        proposal: Proposal | None,
        after: int | None = None,
    ) -> None:
        """The attempt began; of several starts the first in the order of stamps holds."""
        if self.started is None or stamp.key < self.started.key:
            self.started, self.leased, self.after = stamp, leased, after
        if proposal is not None and (self.proposal is None or stamp.key < self.proposal.stamp.key):
            self.proposal = proposal

    def add_outcome(self, outcome: Outcome) -> None:
        """The attempt ended."""
        if self.outcome is None or outcome.outranks(self.outcome):
            self.outcome = outcome

    def add_report(self, step: int, report: Report) -> None:
        """A value at a step; of several, the last in the order of stamps holds."""
        known = self.reports.get(step)
        if known is None or known.stamp.key <= report.stamp.key:
            self.reports[step] = report


@dataclass(slots=True)
class TrialRecord:
    """A trial: what was proposed, and every attempt at it."""

    number: int
    proposal: Proposal | None = None
    """The proposal that was made apart from any attempt."""
    attempts: dict[int, Attempt] = field(default_factory=dict)
    attributes: dict[str, tuple[Value, int, Stamp]] = field(default_factory=dict)
    """By name: the value, the attempt that set it, and when."""
    retry: int = 0
    """The attempt that somebody asked for."""

    def attempt(self, index: int) -> Attempt:
        """The attempt of that index, made if there is none."""
        if index not in self.attempts:
            self.attempts[index] = Attempt(index)
        return self.attempts[index]

    def add_proposal(self, proposal: Proposal) -> None:
        """The trial was proposed; of several proposals the first in the order of stamps holds."""
        if self.proposal is None or proposal.stamp.key < self.proposal.stamp.key:
            self.proposal = proposal

    def ask_again(self, attempt: int) -> None:
        """Somebody asked for an attempt; of several the latest holds."""
        self.retry = max(self.retry, attempt)

    def add_attribute(self, name: str, value: Value, attempt: int, stamp: Stamp) -> None:
        """An attribute was set; the latest attempt's last word holds."""
        known = self.attributes.get(name)
        if known is None or (known[1], known[2].key) <= (attempt, stamp.key):
            self.attributes[name] = (value, attempt, stamp)

    @property
    def decisive(self) -> Attempt | None:
        """The attempt that the trial's state comes from.

        It is the latest one with values, otherwise the latest. So a result that comes late from a
        process given up for lost counts, unless a later attempt has one too.
        """
        if len(self.attempts) == 1:
            return next(iter(self.attempts.values()))
        valued = [a for a in self.attempts.values() if a.outcome and a.outcome.state.has_values]
        return max(valued or self.attempts.values(), key=lambda a: a.index, default=None)

    @property
    def state(self) -> TrialState:
        """Where the trial stands."""
        attempt = self.decisive
        if attempt is None:
            return TrialState.WAITING
        if attempt.outcome is None:
            return TrialState.RUNNING
        state = attempt.outcome.state
        if self.retry > attempt.index and not state.has_values:
            return TrialState.WAITING
        return state

    @property
    def outcome(self) -> Outcome | None:
        """How the trial ended, or was paused; None while it waits or runs."""
        attempt = self.decisive
        return None if attempt is None or self.state is TrialState.WAITING else attempt.outcome

    @property
    def effective_proposal(self) -> Proposal | None:
        """The configuration that the decisive attempt evaluates.

        An attempt that took over a trial number whose first owner died before it could say what it
        proposed carries a proposal of its own.
        """
        attempt = self.decisive
        if attempt is not None and attempt.proposal is not None:
            return attempt.proposal
        if self.proposal is not None:
            return self.proposal
        for index in sorted(self.attempts):
            if (proposal := self.attempts[index].proposal) is not None:
                return proposal
        return None

    @property
    def params(self) -> Params | None:
        """The trial's configuration; None if no readable event tells it."""
        proposal = self.effective_proposal
        return proposal.params if proposal else None

    @property
    def started(self) -> Stamp | None:
        """When the first attempt began."""
        starts = (self.attempts[index].started for index in sorted(self.attempts))
        return next((start for start in starts if start is not None), None)

    @property
    def is_external(self) -> bool:
        """Whether it is evaluated outside of the process that took it."""
        attempt = self.decisive
        return attempt is not None and not attempt.leased

    @property
    def next_attempt(self) -> int:
        """The index of the attempt that would come next."""
        return max(max(self.attempts, default=-1) + 1, self.retry)

    @property
    def curve(self) -> dict[int, float]:
        """The value at each step that the decisive attempt reported, or goes on from; ascending.

        An attempt goes on from what was known of earlier ones when it began. What a process that
        was given up for lost reports later belongs to no other attempt than its own.
        """
        decisive = self.decisive
        merged: dict[int, float] = {}
        for attempt in self._ascending():
            if decisive is not None and attempt.index > decisive.index:
                break
            if (after := attempt.after) is not None:
                merged = {step: value for step, value in merged.items() if step <= after}
            merged |= {step: report.value for step, report in attempt.reports.items()}
        return dict(sorted(merged.items()))

    @property
    def last_step(self) -> int:
        """The highest step of the curve; 0 if there is none."""
        return max(self.curve, default=0)

    def _ascending(self) -> Iterable[Attempt]:
        return (self.attempts[index] for index in sorted(self.attempts))
