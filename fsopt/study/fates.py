"""What has become of the processes of this machine."""

from __future__ import annotations

from dataclasses import dataclass, field

from fsopt.events import WriterStarted
from fsopt.log.identity import has_vanished

_LOOK_AGAIN = 1.0
"""Seconds for which the fate of another process is remembered."""


@dataclass(slots=True)
class Fates:
    """Remembers shortly which processes of this machine are gone: looking costs system calls."""

    _looked: dict[str, tuple[float, bool]] = field(default_factory=dict)

    def vanished(self, started: WriterStarted, now: float) -> bool:
        """Whether the process that began a log is gone, as known at most a second ago.

        Args:
            started: How the log began.
            now: The time of a monotonic clock.
        """
        key = f"{started.process}/{started.pid}"
        when, gone = self._looked.get(key, (-_LOOK_AGAIN, False))
        if not gone and now - when >= _LOOK_AGAIN:
            gone = has_vanished(started.pid, started.process)
            self._looked[key] = (now, gone)
        return gone
