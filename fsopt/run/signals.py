"""Being asked to leave: SIGTERM and SIGUSR1 from a scheduler, SIGINT from a person."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Preempted(BaseException):
    """Raised, where that was allowed, when the process is asked to leave."""


class Preemption:
    """Notes the first such signal, instead of letting the process die of it.

    A second interrupt (Ctrl-C) raises `KeyboardInterrupt` at once.
    """

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None
        self._is_interruptible = False

    @contextmanager
    def interruptible(self) -> Iterator[None]:
        """Within, a signal ends what is being done; for what takes long and leaves nothing behind.

        Raises:
            Preempted: As soon as there is a signal, or if there was one before.
        """
        self._is_interruptible = True
        try:
            if self.signal is not None:
                raise Preempted
            yield
        finally:
            self._is_interruptible = False

    def note(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal."""
        # Schedulers send SIGTERM more than once; only a person's second interrupt is in a hurry.
        if self.signal is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        is_first, self.signal = self.signal is None, self.signal or signal.Signals(number)
        if is_first and self._is_interruptible:
            raise Preempted


_current: Preemption | None = None
"""The signals of a process are one for all of it, and so is who notes them."""


@contextmanager
def noted_signals() -> Iterator[Preemption]:
    """Note signals from here on; what was noted by whoever does so already counts too.

    Outside of the main thread, where Python can't handle signals, nothing is noted.
    """
    global _current
    if threading.current_thread() is not threading.main_thread():
        yield Preemption()
        return
    if _current is not None:
        yield _current
        return
    _current = preemption = Preemption()
    before: dict[signal.Signals, Any] = {}
    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, preemption.note)
        yield preemption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _current = None
