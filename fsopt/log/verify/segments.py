"""One writer's segments, byte by byte: every line, and whether an event is missing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from fsopt import codec
from fsopt.events import Record, WriterClosed, WriterStarted
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.verify.problems import Place, Problem, Severity, refusal
from fsopt.log.verify.told import NO_LOG, Log


@dataclass(slots=True)
class _Unreadable:
    """A line that can't be read, between the events that stand before and after it."""

    place: Place
    what: str
    before: int
    """The number of the event before it; -1 at the beginning."""
    after: int | None = None
    """The number of the next event that can be read; None if there is none."""
    torn: bool = False
    """Whether its end is missing, as after a failed write or in the middle of one."""


class WriterCheck:
    """Reads all segments of one writer and says what is wrong with them."""

    def __init__(
        self,
        filesystem: Filesystem,
        writer: str,
        take: Callable[[Record, Place], None],
        told: Log = NO_LOG,
    ) -> None:
        """Reads nothing yet.

        Args:
            filesystem: Where the study lies.
            writer: Whose log is checked.
            take: Is given each event once, with its place.
            told: What a snapshot tells of this log; it may have been removed since.
        """
        self._told = told
        self.bytes = 0
        self.end = Place(layout.segment(writer, 0))
        """Where what was read ends."""
        self._filesystem = filesystem
        self._writer = writer
        self._take = take
        self._lines: dict[int, int] = {}
        """For each event by number, a hash of its line: two lines of one event must be equal."""
        self._last = -1
        self._jumps: dict[int, Place] = {}
        """Events that do not follow the line before them, by number."""
        self._unreadable: list[_Unreadable] = []
        self._waiting: list[_Unreadable] = []
        """Of these, those after which no readable line has come yet."""
        self._closed: tuple[int, str] | None = None
        """The number of `WriterClosed`, and its file."""
        self._problems: list[Problem] = []

    @property
    def events(self) -> int:
        """How many different events could be read."""
        return len(self._lines)

    @property
    def next_seq(self) -> int:
        """One more than the highest number of an event."""
        return max(max(self._lines, default=-1) + 1, self._told.end)

    def read(self, indices: Sequence[int]) -> None:
        """Read the segments with these indices, which ascend."""
        for before, index in pairwise([-1, *indices]):
            path = layout.segment(self._writer, index)
            if index > before + 1 and not self._told.end:
                self._problems.append(_skipped(path, before + 1, index))
            try:
                data = self._filesystem.read(path)
            except OSError as error:
                self._problems.append(refusal(path, error))
            else:
                self._segment(path, data)

    def problems(self) -> Iterator[Problem]:
        """What was wrong in all that was read."""
        yield from self._problems
        gaps = [(a + 1, b) for a, b in pairwise([-1, *sorted(self._lines)]) if b > a + 1]
        gaps = self._told.without(gaps)
        explained: set[tuple[int, int]] = set()
        for line in self._unreadable:
            lost = _overlapping(gaps, line)
            explained.update(lost)
            severity, what = self._judge(line, lost)
            yield Problem.at(line.place, severity, f"{line.what}: {what}")
        for gap in gaps:
            if gap not in explained:
                what = f"{events_of_writer([gap])} missing before this line"
                following = min(number for number in self._jumps if number >= gap[1])
                yield Problem.at(self._jumps[following], Severity.ERROR, what)

    def _segment(self, path: str, data: bytes) -> None:
        self.bytes += len(data)
        self.end = Place(path, len(data))
        offset = 0
        lines = data.split(b"\n")
        tail = lines.pop()
        for line in lines:
            self._line(line, Place(path, offset))
            offset += len(line) + 1
        if tail:
            self._tail(tail, Place(path, offset))

    def _line(self, line: bytes, place: Place) -> None:
        try:
            record = codec.decode(line, self._writer)
        except codec.DamagedLineError as error:
            self._skip(place, str(error))
            return
        for waiting in self._waiting:
            waiting.after = record.seq
        self._waiting.clear()
        if record.seq != self._last + 1:
            self._jumps.setdefault(record.seq, place)
        self._last = record.seq
        if record.seq not in self._lines:
            self._lines[record.seq] = hash(line)
            self._event(record, place)
        elif self._lines[record.seq] != hash(line):
            what = f"event {record.seq} stands in the log before with other contents"
            self._problems.append(Problem.at(place, Severity.ERROR, what))

    def _event(self, record: Record, place: Place) -> None:
        what = None
        if record.seq == 0 and not isinstance(record.event, WriterStarted):
            what = f"the first event of a log must be {WriterStarted.wire}"
        elif self._closed is not None and record.seq > self._closed[0]:
            what = f"event {record.seq} follows {WriterClosed.wire}, after which nothing may come"
        if what is not None:
            self._problems.append(Problem.at(place, Severity.ERROR, what))
        if isinstance(record.event, WriterClosed) and self._closed is None:
            self._closed = record.seq, place.file
        self._take(record, place)

    def _tail(self, tail: bytes, place: Place) -> None:
        try:
            codec.decode(tail[:-1], self._writer)
        except codec.DamagedLineError:
            self._skip(place, f"a line of {len(tail)} bytes without its end", torn=True)
        else:
            # No write that was cut short leaves a whole line and then something else.
            self._skip(place, "the newline after this line is damaged")

    def _skip(self, place: Place, what: str, *, torn: bool = False) -> None:
        line = _Unreadable(place, what, self._last, torn=torn)
        self._unreadable.append(line)
        self._waiting.append(line)

    def _judge(self, line: _Unreadable, lost: Sequence[tuple[int, int]]) -> tuple[Severity, str]:
        """How bad an unreadable line is, given the missing events that may have stood there."""
        if lost:
            return Severity.ERROR, f"{events_of_writer(lost)} lost"
        if line.torn and self._closed is not None and self._closed[1] == line.place.file:
            return Severity.ERROR, f"it follows {WriterClosed.wire}, after which nothing may come"
        again = line.after is not None and line.before + 1 in self._lines
        if line.torn and not again:
            return Severity.NOTE, (
                "it is being written, or its writer ended in the middle of it; "
                "its event was not acknowledged, unless the file was cut afterwards"
            )
        if line.torn:
            return Severity.NOTE, "the write failed, and its event was written again"
        if not again:
            return Severity.ERROR, "nothing tells that its event was written again; it is lost"
        return Severity.WARNING, "no event is missing, so what stood there was written again"


def _skipped(path: str, low: int, high: int) -> Problem:
    segments = f"segment {low}" if high == low + 1 else f"segments {low} to {high - 1}"
    what = (
        f"there is no {segments} before it: creating it failed, or it was removed; "
        "if events went with it they are reported as missing"
    )
    return Problem(path, 0, Severity.NOTE, what)


def _overlapping(gaps: list[tuple[int, int]], line: _Unreadable) -> list[tuple[int, int]]:
    """The runs of missing events that may have stood in an unreadable line."""
    if line.after is None:
        return []
    first = bisect_right(gaps, line.before + 1, key=lambda gap: gap[1])
    found = []
    for gap in gaps[first:]:
        if gap[0] >= line.after:
            break
        found.append(gap)
    return found


def events_of_writer(gaps: Sequence[tuple[int, int]]) -> str:
    """``event 4 of this writer is`` or ``events 4 to 6, 9 of this writer are``."""
    runs = [f"{low}" if high == low + 1 else f"{low} to {high - 1}" for low, high in gaps]
    one = len(gaps) == 1 and gaps[0][1] == gaps[0][0] + 1
    return f"event{'' if one else 's'} {', '.join(runs)} of this writer {'is' if one else 'are'}"
