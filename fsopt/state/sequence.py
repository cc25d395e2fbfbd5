"""A set of sequence numbers that is almost always one run from zero."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable


class SequenceSet:
    """Numbers seen so far, kept as the sorted gaps between them.

    A damaged line leaves a gap for ever and a hostile one may leave a huge gap; each costs one
    pair.
    """

    __slots__ = ("_gaps", "end")

    def __init__(self) -> None:
        self.end = 0
        """One more than the highest number seen."""
        self._gaps: list[tuple[int, int]] = []

    def add(self, number: int) -> bool:
        """Add a number; False if it was in the set already."""
        if number >= self.end:
            if number > self.end:
                self._gaps.append((self.end, number))
            self.end = number + 1
            return True
        at = bisect_right(self._gaps, (number, self.end)) - 1
        if at < 0 or not self._gaps[at][0] <= number < self._gaps[at][1]:
            return False
        low, high = self._gaps[at]
        rest = [(low, number), (number + 1, high)]
        self._gaps[at : at + 1] = [(a, b) for a, b in rest if a < b]
        return True

    def join(self, other: SequenceSet) -> None:
        """Add all numbers of another set."""
        end = max(self.end, other.end)
        # What neither has, seen as gaps that reach up to the common end.
        mine, others = [*self._gaps, (self.end, end)], [*other._gaps, (other.end, end)]
        common, i, j = [], 0, 0
        while i < len(mine) and j < len(others):
            low, high = max(mine[i][0], others[j][0]), min(mine[i][1], others[j][1])
            if low < high:
                common.append((low, high))
            if mine[i][1] < others[j][1]:
                i += 1
            else:
                j += 1
        self.end, self._gaps = end, common

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """The runs of numbers below the end that were not seen, as half-open intervals."""
        return list(self._gaps)

    @classmethod
    def restored(cls, end: int, gaps: Iterable[tuple[int, int]]) -> SequenceSet:
        """The set with this end and these gaps, as `end` and `gaps` gave them."""
        made = cls()
        made.end, made._gaps = end, [(low, high) for low, high in gaps]
        return made

    @property
    def missing(self) -> int:
        """How many numbers below the end were not seen."""
        return sum(high - low for low, high in self._gaps)
