"""What an optimizer may look at: the study so far, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsopt.space import Space

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The trials that a decision is based on.

    There are ``n`` trials with values, ``d`` parameters and ``m`` objectives. Configurations are
    *unit rows* as in `fsopt.space`: one column a parameter, in [0, 1], NaN where the parameter is
    inactive. Every objective is to be minimised.
    """

    space: Space
    X: FloatArray
    """(n, d) Configurations that have values, in the order of their trial numbers."""
    Y: FloatArray
    """(n, m) Their values, finite, to be minimised."""
    numbers: IntArray
    """(n,) Their trial numbers, ascending."""
    X_failed: FloatArray
    """(k, d) Configurations whose evaluation failed."""
    X_pending: FloatArray
    """(q, d) Configurations that are waiting, running or paused."""

    @classmethod
    def empty(cls, space: Space, objectives: int = 1) -> History:
        """The history of a study in which nothing has happened yet."""
        none = np.empty((0, len(space)))
        return cls(
            space=space,
            X=none,
            Y=np.empty((0, objectives)),
            numbers=np.empty(0, dtype=np.int64),
            X_failed=none,
            X_pending=none,
        )

    @property
    def taken(self) -> FloatArray:
        """(n + k + q, d) Every configuration that was ever given out."""
        return np.concatenate([self.X, self.X_failed, self.X_pending])
