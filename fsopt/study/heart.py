"""Signs of life of a process that has nothing else to say."""

from __future__ import annotations

import threading

from fsopt.errors import StorageError
from fsopt.log.journal import Journal


class Heart(threading.Thread):
    """Appends a sign of life while the process has nothing else to say."""

    def __init__(self, journal: Journal, interval: float) -> None:
        super().__init__(name="fsopt-heartbeat", daemon=True)
        self._journal = journal
        self._interval = interval
        self._ended = threading.Event()

    def run(self) -> None:
        """Beat until it is stopped."""
        # Waking more often than it beats keeps the pause between two signs near the interval.
        while not self._ended.wait(self._interval / 4):
            try:
                self._journal.beat(self._interval)
            except StorageError:
                # The events are kept; the next beat, or the main thread, sends them again.
                continue

    def stop(self) -> None:
        """Beat no more."""
        self._ended.set()
        self.join()
