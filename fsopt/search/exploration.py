"""How much exploration a proposal is worth, as a function of its trial number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from fsopt.errors import StudyError

_SCHEDULES = ("periodic", "bandit", "constant")
_RISK = 0.05  # that one of the bandit's bounds does not hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Exploration:
    """How the weights of exploration go on from trial to trial.

    Raises:
        StudyError: If an option is out of range.
    """

    schedule: str = "periodic"
    """``"periodic"`` decays again and again, see `decay`; ``"bandit"`` lets kappa grow slowly, see
    `bandit_kappa`; ``"constant"`` keeps the weights."""
    kappa: float = 1.96
    """How much uncertainty attracts by a confidence bound, at the begin of each period."""
    kappa_final: float = 0.3
    """How much it still attracts at the end of each period."""
    xi: float = 0.1
    """By how much a value is to be improved to count as an improvement, at the begin of each
    period; values are scaled to [0, 1]. It decays like kappa."""
    period: int = 10
    """After how many trials exploration begins anew."""

    kind: ClassVar[str] = "exploration"

    def __post_init__(self) -> None:
        if self.schedule not in _SCHEDULES:
            known = ", ".join(_SCHEDULES)
            raise StudyError(f"schedule must be one of {known}, not {self.schedule!r}")
        if type(self.period) is not int or self.period < 1:
            raise StudyError(f"period must be an integer of 1 or more, not {self.period!r}")
        for name in ("kappa", "kappa_final"):
            weight = getattr(self, name)
            if type(weight) not in (int, float) or not 0 < weight < math.inf:
                raise StudyError(f"{name} must be a positive number, not {weight!r}")
        if type(self.xi) not in (int, float) or not 0 <= self.xi < math.inf:
            raise StudyError(f"xi must be a number of 0 or more, not {self.xi!r}")

    def weights(self, phase: int, parameters: int) -> Weights:
        """The weights of one proposal.

        Args:
            phase: How many trials came before it, without those of the initial design; numbers
                below 0 continue a periodic pattern.
            parameters: How many there are.
        """
        if self.schedule == "periodic":
            share = decay(phase, self.kappa_final / self.kappa, self.period)
            return Weights(self.kappa * share, self.xi * share)
        if self.schedule == "bandit":
            return Weights(bandit_kappa(max(phase, 0) + 1, parameters), self.xi)
        return Weights(self.kappa, self.xi)


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a proposal explores."""

    kappa: float
    """By a confidence bound."""
    xi: float
    """By an improvement."""

    def scaled(self, factor: float) -> Weights:
        """Both times a factor."""
        return Weights(self.kappa * factor, self.xi * factor)


def decay(phase: int, final: float, period: int) -> float:
    """The share of its first weight that a proposal has, which decays again and again.

    ``exp(-rate * (phase mod period))`` with ``rate = -ln(final) / period``: each period begins
    with exploration and ends with exploitation, so that neither is ever given up and a search that
    sits in a local basin leaves it (Egele et al., "Asynchronous decentralized Bayesian
    optimization for large scale hyperparameter optimization", e-Science 2023).

    Args:
        phase: How many proposals were made before; negative numbers continue the pattern.
        final: What the share approaches at the end of each period, positive.
        period: The number of proposals in a period.
    """
    return math.exp(math.log(final) * (phase % period) / period)


def bandit_kappa(step: int, parameters: int) -> float:
    """The weight of a confidence bound for which the regret grows slower than the trials.

    ``sqrt(0.2 * 2 ln(d t^2 pi^2 / (6 * 0.05)))`` for trial t of d parameters: Srinivas et al.,
    "Gaussian process optimization in the bandit setting", ICML 2010, theorem 1, with the number of
    parameters for that of configurations, and a fifth of its square as in their experiments.

    Args:
        step: The number of the trial, counted from 1.
        parameters: How many there are, 1 or more.
    """
    return math.sqrt(0.4 * math.log(parameters * step**2 * math.pi**2 / (6 * _RISK)))
