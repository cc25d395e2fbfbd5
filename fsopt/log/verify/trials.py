"""What the events of all writers say of trials: facts that contradict each other or the study."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fsopt.events import (
    BudgetSet,
    Record,
    TrialCompleted,
    TrialFailed,
    TrialPaused,
    TrialProposed,
    TrialReported,
    TrialStarted,
    TrialStopped,
)
from fsopt.log.verify.problems import Place, Problem, Severity

_Ending: TypeAlias = TrialCompleted | TrialStopped | TrialFailed | TrialPaused


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectations:
    """What the definition of a study demands of its events."""

    objectives: int | None = None
    """How many values a trial has; None if that is not known."""
    misfit: Callable[[Mapping[str, object]], str | None] = lambda _: None
    """Says why a configuration does not fit the space; None if it does."""


@dataclass(frozen=True, slots=True)
class Start:
    """Who started an attempt, or proposed a trial."""

    writer: str
    place: Place
    proposes: bool
    """Whether the event carries a configuration."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Who told how an attempt ended."""

    writer: str
    place: Place
    failed: bool
    gave_up: bool
    """Whether the trial can end so without the attempt having been started."""


class TrialCheck:
    """Takes in every event once, in any order, and says what does not go together."""

    def __init__(self, expected: Expectations) -> None:
        self.numbers: set[int] = set()
        """Every trial that an event tells of."""
        self.starts: dict[tuple[int, int], Start] = {}
        """The first start that was read of each attempt, by trial and attempt."""
        self.proposals: dict[int, Start] = {}
        """The first proposal of each trial that was made apart from an attempt."""
        self.repeated: list[tuple[int, int | None, Start]] = []
        """Further starts and proposals: trial, attempt (None for a proposal), and who."""
        self.seen: dict[str, tuple[int, Place]] = {}
        """How far each writer's log was known to whoever knew it best, and where that is told."""
        self.unstarted: dict[tuple[int, int], Outcome] = {}
        """The first outcome that was read of each attempt of which no start was read."""
        self.budget = 0
        """The largest budget that was set; 0 if none was."""
        self._expected = expected
        self._problems: list[Problem] = []

    def take(self, record: Record, place: Place) -> None:
        """Take in an event."""
        event = record.event
        number = getattr(event, "trial", None)
        if number is not None:
            self.numbers.add(number)
        if isinstance(event, TrialProposed):
            start = Start(record.writer, place, proposes=True)
            if self.proposals.setdefault(event.trial, start) is not start:
                self.repeated.append((event.trial, None, start))
            self._configuration(event.trial, event.params, place)
            self._positions(event.seen, place)
        elif isinstance(event, TrialStarted):
            key = event.trial, event.attempt
            start = Start(record.writer, place, proposes=event.params is not None)
            if self.starts.setdefault(key, start) is not start:
                self.repeated.append((*key, start))
            self.unstarted.pop(key, None)
            if event.params is not None:
                self._configuration(event.trial, event.params, place)
            self._positions(event.seen, place)
        elif isinstance(event, TrialReported):
            if len(event.steps) != len(event.values):
                what = f"{len(event.steps)} steps with {len(event.values)} values"
                self._warn(place, f"trial {event.trial}: reported {what}")
        elif isinstance(event, TrialCompleted | TrialStopped | TrialFailed | TrialPaused):
            self._outcome(event, record.writer, place)
        elif isinstance(event, BudgetSet):
            self.budget = max(self.budget, event.trials)

    def problems(self) -> Iterator[Problem]:
        """What does not go together in all that was taken in."""
        yield from self._problems
        for number, attempt, start in self.repeated:
            first = self.proposals[number] if attempt is None else self.starts[number, attempt]
            what = "proposed" if attempt is None else f"attempt {attempt} started"
            yield Problem.at(
                start.place,
                Severity.ERROR,
                f"trial {number}: {what} by {start.writer}, and also by {first.writer} "
                f"({first.place.file}:{first.place.offset})",
            )

    def _outcome(self, event: _Ending, writer: str, place: Place) -> None:
        key = event.trial, event.attempt
        if key not in self.starts:
            failed = isinstance(event, TrialFailed)
            gave_up = failed or isinstance(event, TrialStopped)
            self.unstarted.setdefault(key, Outcome(writer, place, failed, gave_up))
        if isinstance(event, TrialCompleted | TrialStopped):
            count = self._expected.objectives or len(event.values)
            if len(event.values) != count or not all(map(math.isfinite, event.values)):
                what = f"the values {event.values} are not one finite number for each objective"
                self._warn(place, f"trial {event.trial}: {what}; it counts as failed")

    def _positions(self, seen: Mapping[str, int], place: Place) -> None:
        for writer, end in seen.items():
            if writer not in self.seen or end > self.seen[writer][0]:
                self.seen[writer] = end, place

    def _configuration(self, number: int, params: Mapping[str, object], place: Place) -> None:
        reason = self._expected.misfit(params)
        if reason is not None:
            self._warn(place, f"trial {number}: its configuration does not fit: {reason}")

    def _warn(self, place: Place, what: str) -> None:
        self._problems.append(Problem.at(place, Severity.WARNING, what))
