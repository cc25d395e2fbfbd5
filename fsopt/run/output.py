"""What an evaluation prints: its beginning and its end are kept, within a limit."""

from __future__ import annotations

import contextlib
from pathlib import Path


class Output:
    """Takes bytes without end and keeps the first and the last of them.

    Args:
        limit: How many bytes are kept; half of them from the beginning, half from the end.
    """

    def __init__(self, limit: int) -> None:
        self._head, self._tail = bytearray(), bytearray()
        self._room = (limit - limit // 2, limit // 2)
        self._size = 0

    def add(self, data: bytes) -> None:
        """Take what was printed next."""
        self._size += len(data)
        first, last = self._room
        fits = first - len(self._head)
        self._head += data[:fits]
        self._tail += data[fits:]
        # Trimmed in large pieces, so that many small ones cost little.
        if len(self._tail) > 2 * last:
            del self._tail[: len(self._tail) - last]

    def content(self) -> bytes:
        """What is kept, with a line between that tells how much was left out."""
        tail = self._tail[max(0, len(self._tail) - self._room[1]) :]
        dropped = self._size - len(self._head) - len(tail)
        middle = f"\n[fsopt: {dropped} bytes are left out here]\n".encode() if dropped else b""
        return bytes(self._head + middle + tail)

    def save(self, path: Path) -> None:
        """Write what is kept to a new file and forget it; nothing is made if there is nothing.

        A file that can't be written is given up: a study does not depend on it.
        """
        if self._size:
            with contextlib.suppress(OSError):
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("xb") as file:
                    file.write(self.content())
        self._head.clear()
        self._tail.clear()
        self._size = 0
