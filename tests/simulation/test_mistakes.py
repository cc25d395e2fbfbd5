"""The simulation finds mistakes: each is made on purpose, until a study breaks a promise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from fsopt.log import layout, reader, snapshots
from fsopt.log.claims import Claims
from fsopt.log.journal import Journal
from fsopt.log.reader import LogReader, Position
from fsopt.log.writer import LogWriter
from fsopt.state.record import Attempt, Outcome
from fsopt.state.table import TrialTable
from fsopt.study.numbers import Numbers
from fsopt.study.session import Session
from tests.simulation.schedules import ScheduleFailedError, run_all

pytestmark = pytest.mark.simulation


def without_sync(patch: pytest.MonkeyPatch) -> None:
    """A writer that acknowledges what it has not synced."""

    def write(self: LogWriter, lines: Sequence[bytes]) -> None:
        if self._segment is None:
            self._lengths.append(0)
            path = layout.segment(self.writer, len(self._lengths) - 1)
            self._segment = self._filesystem.create(path)
            self._segment.sync()
            self._filesystem.has_synced = True  # type: ignore[attr-defined]
        for line in lines:
            if self._segment.write(line) != len(line):
                raise OSError("short")
        self._lengths[-1] += sum(map(len, lines))

    patch.setattr(LogWriter, "_write", write)


def going_on_in_a_torn_segment(patch: pytest.MonkeyPatch) -> None:
    """A writer that stays in a segment whose end nobody knows."""
    patch.setattr(LogWriter, "_abandon_segment", lambda _: None)


def giving_up_without_another_look(patch: pytest.MonkeyPatch) -> None:
    """A process that takes a trial over by what it read a while ago."""
    patch.setattr(Session, "is_certainly_lost", lambda self, writer: self.is_lost(writer))


def claims_of_attempts_that_are_not_exclusive(patch: pytest.MonkeyPatch) -> None:
    """Everybody who claims an attempt gets it."""

    def attempt(self: Claims, trial: int, attempt: int) -> bool:
        self._create(layout.claim(trial, attempt))
        return True

    patch.setattr(Claims, "attempt", attempt)


def dropping_a_segment_as_soon_as_there_is_another(patch: pytest.MonkeyPatch) -> None:
    """A reader that trusts new names to appear after old contents."""
    patch.setattr(reader, "_SETTLED", 0.0)


def believing_whoever_speaks_last(patch: pytest.MonkeyPatch) -> None:
    """A fold in which the last outcome of an attempt holds."""

    def add_outcome(self: Attempt, outcome: Outcome) -> None:
        self.outcome = outcome

    patch.setattr(Attempt, "add_outcome", add_outcome)


def forgetting_what_was_acknowledged_when_reading_fails(patch: pytest.MonkeyPatch) -> None:
    """A journal that hands its own events over before it reads what may be unreadable."""

    def poll(self: Journal, *, thorough: bool = True) -> list[object]:
        return [*self.acknowledged(), *self._reader.poll(self._clock(), thorough=thorough)]

    patch.setattr(Journal, "poll", poll)


def claiming_more_while_the_disk_is_full(patch: pytest.MonkeyPatch) -> None:
    """A process that claims before it could say who it is."""

    def introduce(self: Session) -> None:
        if not self.journal.introduced:
            self.append()

    patch.setattr(Session, "introduce", introduce)


def not_writing_down_what_changed(patch: pytest.MonkeyPatch) -> None:
    """A compactor that leaves out what changed in trials that were told of before."""
    patch.setattr(TrialTable, "unsettled", frozenset())


def telling_positions_of_what_it_has_not_taken_in(patch: pytest.MonkeyPatch) -> None:
    """A compactor that trusts its reading to be complete, though a file could not be read."""
    positions = LogReader.positions

    def complete(self: LogReader) -> tuple[Position, ...]:
        client = self.filesystem
        return tuple(
            replace(p, offset=client.server.length(layout.segment(p.writer, p.index)))  # type: ignore[attr-defined]
            for p in positions.fget(self)  # type: ignore[attr-defined]
        )

    patch.setattr(LogReader, "positions", property(complete))


def taking_the_highest_number_for_the_whole(patch: pytest.MonkeyPatch) -> None:
    """A reader that takes in the newest generation and no other."""
    look = snapshots.look
    patch.setattr(
        snapshots,
        "look",
        lambda filesystem: replace(look(filesystem), names=look(filesystem).names[-1:]),
    )


def forgetting_numbers_that_were_claimed_when_something_went_wrong(
    patch: pytest.MonkeyPatch,
) -> None:
    """A process that proposes only for numbers that it has just claimed."""
    patch.setattr(Numbers, "silent", lambda *_: None)


MISTAKES: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    without_sync: "acknowledged, but|was ended twice",
    going_on_in_a_torn_segment: "acknowledged, but|it is lost",
    giving_up_without_another_look: "without another look",
    claims_of_attempts_that_are_not_exclusive: r"\) went to w\d+ and w\d+|is held by",
    dropping_a_segment_as_soon_as_there_is_another: "sees another study|nowhere to be read",
    believing_whoever_speaks_last: "depends on the order of events",
    forgetting_what_was_acknowledged_when_reading_fails: "sees another study|nowhere to be read",
    claiming_more_while_the_disk_is_full: "without having said who it is",
    not_writing_down_what_changed: "tells of trial|its effect is lost|another study|ended twice",
    telling_positions_of_what_it_has_not_taken_in: "nowhere to be read|tells of trial",
    forgetting_numbers_that_were_claimed_when_something_went_wrong: "does not end",
    taking_the_highest_number_for_the_whole: "nowhere to be read|another study|there still are",
}
"""Each with the promise that it breaks."""


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_a_mistake_is_found(
    mistake: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mistake(monkeypatch)
    with pytest.raises(ScheduleFailedError, match=rf"BrokenPromiseError: .*({MISTAKES[mistake]})"):
        run_all(range(600))
