"""Who owns a trial number, or an attempt at a trial: whoever created its claim file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, refused

_FAILURES_PER_LOOK = 8
"""A look at a directory costs as much as so many claims that fail, or more."""


@dataclass(slots=True)
class Claims:
    """Claims made in the name of one writer."""

    filesystem: Filesystem
    writer: str
    cursor: int = 0
    """Every number below it is known to be taken."""
    end: int = 0
    """No number from here on was seen to be taken by `survey`."""
    _taken: set[int] = field(default_factory=set)
    """Numbers that are known to be taken, though not all below them are."""
    _random: Random = field(init=False)

    def __post_init__(self) -> None:
        # Not for proposals: these depend on the number alone, whoever claims it.
        self._random = Random(self.writer)

    def next_number(self, is_known: Callable[[int], bool], limit: int | None) -> int | None:
        """Claim the lowest trial number that nobody has claimed.

        Args:
            is_known: Whether a trial of that number was already seen.
            limit: Only numbers below it, if given.

        Returns:
            The number, now this writer's alone; None if all below the limit are taken.

        Raises:
            StorageError: If the claim can't be made.
        """
        failed = 0
        while limit is None or self.cursor < limit:
            number = self.cursor
            if number not in self._taken and not is_known(number):
                if self._create(layout.claim(number)):
                    self.cursor += 1
                    return number
                # Others were faster here, so probably at the next numbers too: look which ones are
                # gone, instead of failing at each of them. What has gone since are a few at most.
                if failed % _FAILURES_PER_LOOK == 0:
                    self._look(number)
                failed += 1
            self._taken.discard(number)
            self.cursor += 1
        return None

    def draw_number(self, is_known: Callable[[int], bool], limit: int, among: int) -> int | None:
        """Claim one of the lowest trial numbers that nobody has claimed.

        What others claim is seen late. Where many claim at a time, those who all want the lowest
        number fail at one that has gone after the other; those who want different ones do not.

        Args:
            is_known: Whether a trial of that number was already seen.
            limit: Only numbers below it. All of these will be claimed by somebody, so what is
                left out now is no gap that stays.
            among: How many of the lowest it may be; after each failure twice as many.

        Returns:
            The number, now this writer's alone; None if all below the limit are taken.

        Raises:
            StorageError: If the claim can't be made.
        """
        listed: set[int] = set()
        while free := self._lowest_free(is_known, limit, among, listed):
            number = self._random.choice(free)
            self._taken.add(number)
            if self._create(layout.claim(number)):
                return number
            among *= 2
        return None

    def survey(self, first: int) -> None:
        """Look which numbers are claimed, without claiming any: for those who only evaluate.

        Args:
            first: Numbers from it on matter, and few of them.

        Raises:
            StorageError: If the claims can't be listed.
        """
        for number in (first, first + layout.CLAIMS_PER_SHARD):
            for name in self._list(layout.claim_shard(number)):
                if name.isdecimal():
                    self.end = max(self.end, int(name) + 1)

    def release(self, trial: int, attempt: int | None = None) -> None:
        """Give back a number, or an attempt, that this writer claimed and told nobody about.

        Raises:
            StorageError: If the claim can't be removed.
        """
        path = layout.claim(trial, attempt)
        try:
            self.filesystem.remove(path)
        except OSError as error:
            raise refused("remove", self.filesystem.describe(path), error) from error
        if attempt is None:
            self.cursor = min(self.cursor, trial)
            self._taken.discard(trial)

    def number(self, trial: int) -> bool:
        """Claim this very number; True for exactly one of all who try.

        Raises:
            StorageError: If the claim can't be made.
        """
        return self._create(layout.claim(trial))

    def attempt(self, trial: int, attempt: int) -> bool:
        """Claim an attempt at a trial; True for exactly one of all who try.

        Raises:
            StorageError: If the claim can't be made.
        """
        return self._create(layout.claim(trial, attempt))

    def owner(self, trial: int, attempt: int | None = None) -> str | None:
        """The writer that holds a claim; None if that can't be told (yet).

        Raises:
            StorageError: If the claim can't be read.
        """
        path = layout.claim(trial, attempt)
        try:
            text = self.filesystem.read(path).decode(errors="replace")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused("read", self.filesystem.describe(path), error) from error
        # Without its newline the name may have been cut short.
        return text[:-1] if text.endswith("\n") and layout.is_writer_id(text[:-1]) else None

    def _create(self, path: str) -> bool:
        try:
            return self.filesystem.claim(path, f"{self.writer}\n".encode())
        except OSError as error:
            raise refused("claim", self.filesystem.describe(path), error) from error

    def _lowest_free(
        self, is_known: Callable[[int], bool], limit: int, count: int, listed: set[int]
    ) -> list[int]:
        """So many of the lowest numbers that nobody is known to have; lists what is not listed."""
        free: list[int] = []
        begin = self.cursor
        while begin < limit and len(free) < count:
            end = min(begin - begin % layout.CLAIMS_PER_SHARD + layout.CLAIMS_PER_SHARD, limit)
            if begin // layout.CLAIMS_PER_SHARD not in listed:
                listed.add(begin // layout.CLAIMS_PER_SHARD)
                self._look(begin)
            free += [n for n in range(begin, end) if n not in self._taken and not is_known(n)]
            begin = end
        self.cursor = free[0] if free else max(self.cursor, limit)
        self._taken = {number for number in self._taken if number >= self.cursor}
        return free[:count]

    def _look(self, number: int) -> None:
        """See which numbers are taken in the shard of a number, from that one on."""
        names = self._list(layout.claim_shard(number))
        # Many lists are long, and most names in them are known.
        numbers = map(int, filter(str.isdecimal, names))
        self._taken.update(found for found in numbers if found >= number)

    def _list(self, path: str) -> list[str]:
        try:
            return self.filesystem.list(path)
        except OSError as error:
            raise refused("list", self.filesystem.describe(path), error) from error
