"""What a surrogate is: a model fitted to configurations and values, which predicts others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fsopt.history import FloatArray


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a surrogate expects of ``k`` configurations."""

    mean: FloatArray
    """(k,) The expected values, in the units of the values it was fitted to."""
    epistemic: FloatArray
    """(k,) Standard deviations due to too little data: more evaluations nearby reduce them."""
    aleatoric: FloatArray
    """(k,) Standard deviations due to noise: the same configuration evaluated again differs."""

    @property
    def total(self) -> FloatArray:
        """(k,) Standard deviations of the next observation."""
        return np.hypot(self.epistemic, self.aleatoric)


class Surrogate(Protocol):
    """A fitted model."""

    def predict(self, X: FloatArray) -> Prediction:
        """Predict the values of unit rows, in which NaN stands for an inactive parameter.

        Args:
            X: (k, d) Unit rows.
        """
        ...


class Fit(Protocol):
    """How a surrogate is made; all options are bound already."""

    def __call__(self, X: FloatArray, y: FloatArray, rng: np.random.Generator) -> Surrogate:
        """Fit a new model.

        Args:
            X: (n, d) Unit rows, in which NaN stands for an inactive parameter; n >= 1.
            y: (n,) Their values, finite.
            rng: Source of all randomness of the fit.
        """
        ...
