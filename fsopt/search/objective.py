"""What the surrogate learns instead of the raw values of the objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.moo.scalarization import SCALARIZATIONS, SCALINGS, random_weights, ranks

__all__ = ["WORST", "Tradeoff", "ranks", "scalarize", "violations", "worth"]

WORST = 1.0
"""The target of a failed trial: no trial with a value has a larger one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tradeoff:
    """How several objectives become one, for surrogates that learn one value.

    Each proposal has random weights of its own, drawn from the study's seed and the trial's
    number; so together they cover the whole front, also where many workers do not know of each
    other (Egele et al., arXiv:2309.14936).

    Raises:
        StudyError: If an option is unknown.
    """

    scalarization: str = "augmented_chebyshev"
    """One of `fsopt.moo.scalarization.SCALARIZATIONS`."""
    scaling: str = "quantile"
    """One of `fsopt.moo.scalarization.SCALINGS`."""

    kind: ClassVar[str] = "tradeoff"

    def __post_init__(self) -> None:
        for name, known in (("scalarization", SCALARIZATIONS), ("scaling", SCALINGS)):
            if getattr(self, name) not in known:
                choices = ", ".join(known)
                raise StudyError(f"{name} must be one of {choices}, not {getattr(self, name)!r}")


def worth(
    Y: FloatArray,
    excess: FloatArray,
    rng: np.random.Generator,
    tradeoff: Tradeoff | None = None,
) -> FloatArray:
    """(n,) What each trial with values is worth for one proposal, to be minimised.

    The one objective, or a trade-off of several; trials that violate constraints on outcomes are
    worse than all others, the more the larger their violations are.

    Args:
        Y: (n, m) Values to be minimised.
        excess: (n, c) By how much constraints are violated, where positive.
        rng: Source of the weights.
        tradeoff: As for `scalarize`.
    """
    values = Y[:, 0] if Y.shape[1] == 1 else scalarize(Y, rng, tradeoff)
    violation = violations(excess)
    allowed = violation == 0
    if allowed.all():
        return values
    if not allowed.any():
        return violation
    low, high = values[allowed].min(), values[allowed].max()
    step = high - low if high > low else 1.0
    return np.where(allowed, values, high + step * violation)


def violations(excess: FloatArray) -> FloatArray:
    """(n,) How badly constraints are violated: 0 for not at all, and up to 1 by ranks.

    Args:
        excess: (n, c) By how much each is; what is not positive does not count.
    """
    ranked = [(1 + ranks(column)) / 2 * (column > 0) for column in excess.T]
    return np.mean(ranked, axis=0) if ranked else np.zeros(len(excess))


def scalarize(
    Y: FloatArray, rng: np.random.Generator, tradeoff: Tradeoff | None = None
) -> FloatArray:
    """One value for each trial out of several objectives, under random weights.

    Args:
        Y: (n, m) Values to be minimised.
        rng: Source of the weights.
        tradeoff: How they are combined; by default the augmented Chebyshev distance of ranks.

    Returns:
        (n,) Values to be minimised.
    """
    chosen = tradeoff or Tradeoff()
    Z = np.column_stack([SCALINGS[chosen.scaling](column) for column in Y.T])
    return SCALARIZATIONS[chosen.scalarization](Z, random_weights(Y.shape[1], rng))
