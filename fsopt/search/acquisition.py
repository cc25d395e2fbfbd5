"""How a proposal weighs what is known to be good against what is unknown."""

from __future__ import annotations

import math

from fsopt.history import FloatArray


def lower_confidence_bound(mean: FloatArray, sigma: FloatArray, kappa: float) -> FloatArray:
    """The value that a configuration may optimistically have; the smallest is proposed.

    ``mean - kappa * sigma``: Cox and John, "SDO: a statistical method for global optimization",
    1997; Srinivas et al., "Gaussian process optimization in the bandit setting", ICML 2010.

    Args:
        mean: (k,) Expected values.
        sigma: (k,) Standard deviations.
        kappa: How much uncertainty attracts; 0 exploits only.
    """
    bound: FloatArray = mean - kappa * sigma
    return bound


def periodic_decay(number: int, kappa: float, kappa_final: float, period: int) -> float:
    """The exploration weight of a proposal, which decays again and again.

    ``kappa * exp(-rate * (number mod period))`` with ``rate = ln(kappa / kappa_final) / period``:
    each period begins with exploration and ends with exploitation, so that neither is ever given
    up and a search that sits in a local basin leaves it (Egele et al., "Asynchronous decentralized
    Bayesian optimization for large scale hyperparameter optimization", e-Science 2023).

    Args:
        number: How many proposals were made before; negative numbers continue the pattern.
        kappa: The weight at the begin of each period, positive.
        kappa_final: What the weight approaches at the end of each period, positive.
        period: The number of proposals in a period.
    """
    rate = math.log(kappa / kappa_final) / period
    return kappa * math.exp(-rate * (number % period))
