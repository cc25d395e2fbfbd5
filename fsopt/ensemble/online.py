"""Selecting again and again, while trials finish."""

from __future__ import annotations

from collections.abc import Mapping

from fsopt.ensemble.pool import Source
from fsopt.ensemble.selection import Selection, Selector
from fsopt.errors import PredictionError
from fsopt.predictions import Array


class Online:
    """An ensemble that is selected anew, when it is asked for, from all trials known so far.

    What it selects depends on the trials alone, not on the order in which they became known.

    Args:
        y: (n,) The true values; each trial may predict other rows of them.
        selector: How to choose.
    """

    def __init__(self, y: Array, selector: Selector) -> None:
        self._y, self._selector = y, selector
        self._known: dict[int, Source] = {}
        self._selection: Selection | None = None

    def take_in(self, predictions: Mapping[int, Source]) -> None:
        """Add what trials predict, by their numbers; those that are known already stay."""
        for number, source in predictions.items():
            if number not in self._known:
                self._known[number] = source
                self._selection = None

    @property
    def selection(self) -> Selection:
        """The ensemble of the trials so far; its members are trial numbers.

        Raises:
            PredictionError: If no trial is known yet, or they don't fit together.
        """
        if not self._known:
            raise PredictionError("no trial has saved predictions yet")
        if self._selection is None:
            numbers = sorted(self._known)
            chosen = self._selector.select(self._y, [self._known[n] for n in numbers])
            self._selection = named(chosen, numbers)
        return self._selection


def named(chosen: Selection, numbers: list[int]) -> Selection:
    """A selection with trial numbers instead of positions."""
    members = tuple(numbers[member] for member in chosen.members)
    return Selection(members, chosen.weights, chosen.loss, chosen.path)
