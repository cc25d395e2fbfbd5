"""Waiting out troubles with the filesystem: a full disk, a server that is away."""

from __future__ import annotations

from collections.abc import Callable

from fsopt.errors import StorageError

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
"""Seconds between tries to write what a full disk has refused; doubled from try to try."""

_LIMIT = 600.0
"""Seconds to wait for a full disk or an absent server before giving up."""


class Patience:
    """Lets what the filesystem refuses be tried again later, for a while."""

    def __init__(self, clock: Callable[[], float], tell: Callable[[str], None]) -> None:
        """Nothing is wrong yet.

        Args:
            clock: Monotonic seconds.
            tell: Told when trouble begins and when it is over.
        """
        self._clock = clock
        self._tell = tell
        self._since: dict[str, float] = {}
        """By kind of action that is refused, since when."""
        self._pause, self._retry_at = _FIRST_PAUSE, 0.0

    @property
    def may_try(self) -> bool:
        """Whether it is time to write again: each try may leave a file on a disk that is full."""
        return self._clock() >= self._retry_at

    def attempt(self, kind: str, action: Callable[[], object]) -> None:
        """Do something with the filesystem; if it is refused for now, somebody will try again.

        Raises:
            StorageError: If the trouble will not pass, or has lasted for too long.
        """
        try:
            action()
        except StorageError as error:
            if not self._since:
                self._tell(f"{error}. Waiting for it to pass; nothing is lost")
            since = self._since.setdefault(kind, self._clock())
            self._retry_at = self._clock() + self._pause
            self._pause = min(2 * self._pause, _LONGEST_PAUSE)
            if not error.passing or self._clock() - since > _LIMIT:
                raise
        else:
            if self._since.pop(kind, None) is not None and not self._since:
                self._pause = _FIRST_PAUSE
                self._tell("the filesystem works again")
