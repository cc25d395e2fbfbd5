"""How probable it is that a configuration keeps the limits of constrained outcomes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray
from fsopt.search.estimate import restored
from fsopt.surrogate import GaussianProcess, Prediction, fit_gaussian


@dataclass(frozen=True, slots=True)
class Feasibility:
    """Gaussian processes of outcomes that have limits, which are taken to be independent.

    The probability of feasibility of Schonlau, Welch, Jones, "Global versus local search in
    constrained optimization of computer models", 1998; by it an improvement is multiplied
    (Gardner, Kusner, Xu, Weinberger, Cunningham, "Bayesian optimization with inequality
    constraints", ICML 2014).
    """

    processes: tuple[GaussianProcess, ...]
    limits: tuple[float, ...]
    """On the scales of the processes."""

    @classmethod
    def of(
        cls, X: FloatArray, excess: FloatArray, categorical: BoolArray, rows: NDArray[np.intp]
    ) -> Feasibility:
        """Fit to trials.

        Args:
            X: (n, d) Unit rows, NaN where inactive.
            excess: (n, c) By how much outcomes exceed their limits.
            categorical: (d,) Which parameters are categories.
            rows: (k,) Which trials the processes see.
        """
        processes, limits = [], []
        for column in excess.T:
            y = np.ascontiguousarray(column)
            process = fit_gaussian(X, y, categorical, rows=rows).process
            processes.append(process)
            # the scale increases with the values, so it has a place for the limit, which is 0
            (limit,) = restored(np.zeros(1), y[rows], process.values()).tolist()
            limits.append(limit)
        return cls(tuple(processes), tuple(limits))

    def log_chance(self, points: FloatArray) -> FloatArray:
        """(k,) The logarithm of the probability that points (k, d) violate nothing."""
        from scipy.special import log_ndtr

        total = np.zeros(len(points))
        for process, limit in zip(self.processes, self.limits, strict=True):
            found: Prediction = process.predict(points)
            total += log_ndtr((limit - found.mean) / found.epistemic)
        return total

    def log_chance_and_slope(self, point: FloatArray) -> tuple[float, FloatArray]:
        """`log_chance` of one point (1, d), and its derivatives (d,)."""
        from scipy.special import log_ndtr

        value, slope = 0.0, np.zeros(point.shape[1])
        for process, limit in zip(self.processes, self.limits, strict=True):
            found = process.moments(point)
            deviation = float(found.deviation[0])
            u = (limit - float(found.mean[0])) / deviation
            log_probability = float(log_ndtr(u))
            hazard = np.exp(-0.5 * u * u - 0.5 * np.log(2 * np.pi) - log_probability)
            value += log_probability
            slope -= hazard / deviation * (found.mean_slope[0] + u * found.deviation_slope[0])
        return value, slope
