"""What earlier studies, and a user's beliefs, are worth for the proposals of a study."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.prior import EarlierStudy, Mixture
from fsopt.search.base import Optimizer
from fsopt.search.beliefs import categorical_columns, values_of
from fsopt.search.distinct import is_new, is_valid
from fsopt.search.rounding import one_thread
from fsopt.space import same_rows
from fsopt.streams import stream
from fsopt.surrogate import Model, fit_gaussian

_TRUST = 0.8  # that an earlier study is of use, before this one has seen anything
_AGREES = 0.8  # of the pairs of trials, which a useful one orders as they are
_MOST_ODDS = 30.0  # their logarithm
_DISMISSED = 0.5  # whoever is less likely to be of use has no say
_UNIFORM = 0.1  # of the density, at least
_HALF_TIME = 10.0  # trials, after which the prior counts half
_MOST_TRIALS = 300  # beside which a prior would hardly count
_DRAWS = 16


@dataclass(frozen=True, slots=True)
class Guide:
    """Where proposals are likely to be good, as far as others tell.

    The acquisition is multiplied by a power of the density, whose exponent decays as trials end
    (Hvarfner et al., "piBO: augmenting acquisition functions with user beliefs for Bayesian
    optimization", ICLR 2022). The density has a uniform part, which is as large as the doubt in
    all who tell, so nothing is ever excluded.
    """

    mixture: Mixture
    """The density."""
    strength: float
    """The exponent, from 1 to 0."""
    trusts: tuple[float, ...]
    """How likely each of those who tell is of use: the earlier studies, then the user."""

    @classmethod
    def of(cls, history: History, seed: int, number: int) -> Guide | None:
        """What is known for a proposal beside the trials; None if nothing is that is trusted."""
        if history.ended > _MOST_TRIALS or not _has_any(history):
            return None
        values = np.empty(0)
        if len(history.Y):
            values = values_of(history, seed, number)
        trusts = [trust(_expected(study, history), values) for study in history.prior]
        mixtures = [study.mixture for study in history.prior]
        believed = Mixture.believed(history.space)
        if believed is not None:
            trusts.append(trust(-believed.log_density(history.X), values))
            mixtures.append(believed)
        if max(trusts) < _DISMISSED:
            return None
        strength = _HALF_TIME / (_HALF_TIME + history.ended)
        return cls(_joined(history, mixtures, trusts), strength, tuple(trusts))

    @classmethod
    def without_trials(cls, history: History) -> Guide | None:
        """The same as if there were no trials yet, which are not looked at."""
        if not _has_any(history):
            return None
        mixtures = [study.mixture for study in history.prior]
        believed = Mixture.believed(history.space)
        mixtures += [] if believed is None else [believed]
        trusts = [_TRUST] * len(mixtures)
        return cls(_joined(history, mixtures, trusts), 1.0, tuple(trusts))

    def log_weight(self, units: FloatArray) -> FloatArray:
        """(k,) What the logarithm of the acquisition gains at unit rows (k, d)."""
        return self.strength * self.mixture.log_density(units)

    def slope(self, unit: FloatArray) -> FloatArray:
        """(d,) The derivatives of `log_weight` at one unit row (d,)."""
        return self.strength * self.mixture.slope(unit)

    def draw(self, history: History, count: int, rng: np.random.Generator) -> FloatArray:
        """(c, d) Valid, snapped, distinct unit rows that are not taken, with ``c <= count``."""
        units = history.space.snap(self.mixture.sample(count, rng))
        units = units[is_valid(history.space, units)]
        return units[is_new(units, history)]


def trust(expected: FloatArray, values: FloatArray) -> float:
    """How likely a source is of use, by how it orders the trials of this study.

    Each trial but the first is taken for one comparison, right with a probability of 0.8 if the
    source is of use, and of 0.5 if it is not. How many were right is told by the pairs of trials.

    Args:
        expected: (n,) What the source expects of the trials, on any scale, to be minimised.
        values: (n,) What they are worth, to be minimised.
    """
    right, count = 0.0, max(len(values) - 1, 0)
    if count:
        by_value = np.sign(values[:, np.newaxis] - values)
        by_source = np.sign(expected[:, np.newaxis] - expected)
        pairs = np.triu(by_value != 0, 1)
        total = int(pairs.sum())
        agree = (by_value * by_source + 1) / 2  # half for what the source does not tell apart
        right = count * (float(agree[pairs].sum()) / total if total else 0.5)
    log_odds = math.log(_TRUST / (1 - _TRUST))
    log_odds += right * math.log(2 * _AGREES) + (count - right) * math.log(2 * (1 - _AGREES))
    return 1 / (1 + math.exp(-min(max(log_odds, -_MOST_ODDS), _MOST_ODDS)))


def guided(design: Optimizer, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
    """The proposals of an initial design, every other one where others tell that it is good.

    The best trials of the earlier studies come first. The half of the design that stays shows
    whether others are right.
    """
    units = design.suggest(history, numbers, seed)
    guide = Guide.of(history, seed, numbers[0]) if len(numbers) else None
    if guide is None:
        return units
    for index, number in enumerate(numbers):
        drawn = _wanted(guide, history, number, seed)
        drawn = drawn[~same_rows(drawn, units)]
        if len(drawn):
            units[index] = drawn[0]
    return units


def source_of(history: History, number: int, seed: int, unit: FloatArray) -> str | None:
    """Who told `guided` to propose a unit row (d,), in words; None if the design did."""
    guide = Guide.of(history, seed, number)
    wanted = (
        _wanted(guide, history, number, seed) if guide is not None else np.empty((0, len(unit)))
    )
    if not same_rows(wanted, unit[np.newaxis]).any():
        return None
    which = number // 2
    if which < len(history.prior) and same_rows(wanted[:1], unit[np.newaxis])[0]:
        return f"the best trial of {history.prior[which].name}, or near it"
    return "a draw from where earlier studies or beliefs tell"


def _wanted(guide: Guide, history: History, number: int, seed: int) -> FloatArray:
    """(c, d) What others tell to try in a trial of the initial design, the first choice first."""
    space, (which, is_own) = history.space, divmod(number, 2)
    if is_own:
        return np.empty((0, len(space)))
    drawn = guide.draw(history, _DRAWS, stream(seed, "prior", number))
    if which < len(history.prior) and len(drawn):
        best = history.prior[which].best
        filled = space.snap(np.where(np.isnan(best), drawn[:1], best))
        usable = is_valid(space, filled) & ~history.is_taken(filled)
        drawn = np.concatenate([filled[usable], drawn])
    return drawn


def _has_any(history: History) -> bool:
    return bool(history.prior) or Mixture.believed(history.space) is not None


def _joined(history: History, mixtures: Sequence[Mixture], trusts: Sequence[float]) -> Mixture:
    """One mixture, to which each contributes as much as it is trusted."""
    uniform = max(_UNIFORM, math.prod(1 - one for one in trusts))
    told = [
        (one, mixture) for one, mixture in zip(trusts, mixtures, strict=True) if one >= _DISMISSED
    ]
    share = (1 - uniform) / sum(one for one, _ in told)
    parts = [(share * one, mixture) for one, mixture in told]
    return Mixture.of([(uniform, Mixture.uniform(history.space)), *parts])


def _expected(study: EarlierStudy, history: History) -> FloatArray:
    """(n,) What a model of an earlier study expects of the trials of this one."""
    if len(history.X) < 2:  # there is nothing to compare
        return np.zeros(len(history.X))
    columns = ~np.isnan(study.units).all(axis=0)
    with one_thread():
        model = _model(
            np.ascontiguousarray(study.units[:, columns]).tobytes(),
            study.ranks.tobytes(),
            tuple(categorical_columns(history.space)[columns].tolist()),
        )
        return model.process.predict(history.X[:, columns]).mean


@lru_cache(maxsize=64)
def _model(units: bytes, ranks: bytes, categorical: tuple[bool, ...]) -> Model:
    y = np.frombuffer(ranks)
    X = np.frombuffer(units).reshape(len(y), -1)
    return fit_gaussian(X, y, np.array(categorical))
