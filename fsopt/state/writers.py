"""What is known of a process that writes."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from fsopt.events import WriterStarted
from fsopt.state.record import Stamp
from fsopt.state.sequence import SequenceSet


@dataclass(slots=True)
class WriterState:
    """A writer as its events tell of it."""

    started: WriterStarted | None = None
    start: Stamp | None = None
    """Where it says that it started."""
    first_time: float = math.inf
    last_time: float = -math.inf
    closed: bool = False
    known: SequenceSet = field(default_factory=SequenceSet)
    """The events that were seen of it."""
    unknown: dict[str, int] = field(default_factory=dict)
    """How many of them had an unknown name, by name."""

    def add_start(self, event: WriterStarted, stamp: Stamp) -> None:
        """It said that it started; of several times the first holds."""
        if self.start is None or stamp.seq < self.start.seq:
            self.started, self.start = event, stamp

    def join(self, other: WriterState) -> None:
        """Take in what somebody else knows of the same writer.

        Both have read its log from the beginning, one further than the other.
        """
        if other.started is not None and other.start is not None:
            self.add_start(other.started, other.start)
        self.first_time = min(self.first_time, other.first_time)
        self.last_time = max(self.last_time, other.last_time)
        self.closed |= other.closed
        self.known.join(other.known)
        for name, count in other.unknown.items():
            self.unknown[name] = max(count, self.unknown.get(name, 0))
