"""What the surrogate is fitted to: the history as one table of configurations and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray, History, IntArray
from fsopt.search.objective import WORST, Tradeoff, ranks, worth

MAX_ROWS = 1_500
"""No more rows than this are fitted, so that a proposal's cost stays bounded,"""
MAX_CELLS = 16_000
"""and fewer of them if there are many parameters."""

_GOOD_SHARE = 1 / 3  # of the rows that are fitted, where there are more


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Configurations and what a surrogate is to expect of them."""

    X: FloatArray
    """(n, d) Unit rows, best first, those that failed last."""
    y: FloatArray
    """(n,) Targets in [0, 1], ascending; 1 for failures."""
    failures: int
    """How many of the last rows failed."""
    stagnations: int
    """How often a number of trials, the patience, brought no better value; see `stagnations`."""

    @classmethod
    def of(
        cls,
        history: History,
        rng: np.random.Generator,
        patience: int | None = None,
        tradeoff: Tradeoff | None = None,
    ) -> TrainingSet:
        """The trials that have ended: all, or the best third and some of the others.

        Args:
            history: The study so far.
            rng: Source of the weights of several objectives, and of what is left out.
            patience: See `stagnations`.
            tradeoff: How several objectives become one value.
        """
        values = worth(history.Y, history.excess, rng, tradeoff)
        limit = max_rows(len(history.space))
        good, failed = _kept(values, len(history.X_failed), limit, rng)
        order = good[np.argsort(values[good], kind="stable")]
        return cls(
            X=np.concatenate([history.X[order], history.X_failed[failed]]),
            y=np.concatenate([ranks(values[order]), np.full(len(failed), WORST)]),
            failures=len(failed),
            stagnations=0 if patience is None else stagnations(values, patience),
        )

    @property
    def succeeded(self) -> FloatArray:
        """(n,) 1 for rows with a value and 0 for failures."""
        return (np.arange(len(self.y)) < len(self.y) - self.failures).astype(np.float64)


def max_rows(parameters: int) -> int:
    """How many trials of so many parameters are fitted at most."""
    return max(1, min(MAX_ROWS, MAX_CELLS // parameters))


def _kept(
    values: FloatArray, failures: int, limit: int, rng: np.random.Generator
) -> tuple[IntArray, IntArray]:
    """Which trials with values, and which of the failures, are fitted."""
    total = len(values) + failures
    if total <= limit:
        return np.arange(len(values)), np.arange(failures)
    good = min(int(limit * _GOOD_SHARE), len(values))
    is_kept = np.zeros(total, dtype=np.bool_)
    is_kept[np.argpartition(values, good - 1)[:good]] = True
    rest = np.flatnonzero(~is_kept)
    is_kept[rng.choice(rest, limit - good, replace=False, shuffle=False)] = True
    kept = np.flatnonzero(is_kept)
    return kept[kept < len(values)], kept[kept >= len(values)] - len(values)


def stagnations(values: FloatArray, patience: int) -> int:
    """How often so many trials one after the other brought no value better than all before.

    Each run of trials without improvement counts once for each full number of them.

    Args:
        values: (n,) In the order of the trials, to be minimised.
        patience: That number, 1 or more.
    """
    if not len(values):
        return 0
    best = np.minimum.accumulate(values)
    improved = np.flatnonzero(np.append(True, best[1:] < best[:-1]))
    runs = np.diff(np.append(improved, len(values))) - 1
    return int((runs // patience).sum())
