"""What users believe of parameters before anything is tried."""

from __future__ import annotations

import math
from typing import NamedTuple

from fsopt.space import checks


class Normal(NamedTuple):
    """What a user believes of a number: where good values lie, and how far around it.

    The search begins there and is not confined to it.

    Args:
        mean: The likeliest value.
        deviation: How far off others may be; of a logarithmic parameter in powers of ten.
    """

    mean: float
    deviation: float


def read_prior(name: str, given: object, low: float, high: float) -> Normal | None:
    """The prior of a parameter with this range, if one is given.

    Raises:
        SpaceError: If it is none, or its mean is not in the range.
    """
    if given is None:
        return None
    if not isinstance(given, tuple) or len(given) != len(Normal._fields):
        raise checks.error(name, f"the prior is fsopt.Normal(mean, deviation), not {given!r}")
    mean = checks.finite(name, "the prior's mean", given[0])
    deviation = checks.finite(name, "the prior's deviation", given[1])
    checks.check_inside(name, mean, low, high)
    if deviation <= 0:
        raise checks.error(name, f"the prior's deviation must be positive, not {deviation!r}")
    return Normal(mean, deviation)


def unit_deviation(prior: Normal, low: float, high: float, *, log: bool) -> float:
    """The deviation of a prior as a share of the range, or of its logarithm."""
    return prior.deviation / (math.log10(high / low) if log else high - low)
