"""What the surrogate learns instead of the raw values of the objectives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray
from fsopt.moo.scalarization import SCALARIZATIONS, SCALINGS, random_weights, ranks

__all__ = ["WORST", "Tradeoff", "ranks", "scalarize"]

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
