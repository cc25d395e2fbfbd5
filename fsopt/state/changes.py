"""What somebody who follows a table of trials has not seen yet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


class Changes:
    """The trials that were touched since somebody last asked; see `TrialTable.watch`."""

    __slots__ = ("_many", "_single", "was_revised")

    def __init__(self) -> None:
        self._single: set[int] = set()
        self._many: list[IntArray] = []
        self.was_revised = False
        """Whether a trial that had a configuration has another one now; the reader resets it."""

    def add(self, number: int) -> None:
        """A trial was touched."""
        self._single.add(number)

    def add_many(self, numbers: IntArray) -> None:
        """Trials (n,) were touched."""
        self._many.append(numbers)

    def drain(self) -> IntArray:
        """(n,) The numbers of the touched trials, ascending; they are forgotten here."""
        single = np.array(sorted(self._single), dtype=np.int64)
        drained = np.unique(np.concatenate([single, *self._many])) if self._many else single
        self._single.clear()
        self._many.clear()
        return drained
