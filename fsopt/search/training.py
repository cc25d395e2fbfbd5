"""What the surrogate is fitted to: the history as one table of configurations and targets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.objective import WORST, ranks, scalarize
from fsopt.surrogate import Fit, Surrogate

MAX_ROWS = 2_000
"""No more rows than this are fitted, so that a proposal's cost stays bounded."""

_GOOD_SHARE = 1 / 3  # of the rows that are fitted, where there are more


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Configurations and what a surrogate is to expect of them."""

    X: FloatArray
    """(n, d) Unit rows, best first."""
    y: FloatArray
    """(n,) Targets in [0, 1], ascending; 1 for failures."""

    @classmethod
    def of(cls, history: History, rng: np.random.Generator) -> TrainingSet:
        """The trials that have ended.

        Args:
            history: The study so far.
            rng: Source of the weights of several objectives.
        """
        single = history.Y.shape[1] == 1
        values = history.Y[:, 0] if single else scalarize(history.Y, rng)
        failures = np.full(len(history.X_failed), WORST)
        X = np.concatenate([history.X, history.X_failed])
        y = np.concatenate([ranks(values), failures])
        order = np.argsort(y, kind="stable")
        return cls(X[order], y[order])

    def thinned(self, rng: np.random.Generator) -> TrainingSet:
        """At most `MAX_ROWS` rows: a third of them the best, the others drawn from the rest."""
        if len(self.X) <= MAX_ROWS:
            return self
        good = int(MAX_ROWS * _GOOD_SHARE)
        rest = rng.choice(np.arange(good, len(self.X)), size=MAX_ROWS - good, replace=False)
        kept = np.concatenate([np.arange(good), np.sort(rest)])
        return TrainingSet(self.X[kept], self.y[kept])


def fit_believing(
    data: TrainingSet,
    pending: FloatArray,
    fit: Fit,
    quick_fit: Fit,
    rng: np.random.Generator,
) -> Surrogate:
    """Fit as if the pending trials had ended with the values that are expected of them.

    This takes away the uncertainty around them without moving the mean, so that the next proposal
    is made elsewhere ("kriging believer": Ginsbourger, Le Riche, Carraro, "Kriging is well-suited
    to parallelize optimization", 2010).

    Args:
        data: The trials that have ended.
        pending: (q, d) The configurations of the others.
        fit: Fits the surrogate that is returned.
        quick_fit: Fits the one that says what is expected, of which only the mean matters.
        rng: Source of randomness of both.
    """
    if not len(pending):
        return fit(data.X, data.y, rng)
    if len(pending) > MAX_ROWS:
        pending = rng.choice(pending, size=MAX_ROWS, replace=False)
    believed = quick_fit(data.X, data.y, rng).predict(pending).mean
    X = np.concatenate([data.X, pending])
    return fit(X, np.concatenate([data.y, believed]), rng)
