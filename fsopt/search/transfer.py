"""What earlier studies and a user's beliefs are worth for the proposals of a study."""

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
from fsopt.search.distinct import is_valid
from fsopt.space import same_rows
from fsopt.streams import stream
from fsopt.surrogate import Model, fit_gaussian

_TRUST = 0.8  # that an earlier study is of use, before anything is known
_AGREES = 0.8  # of the pairs of trials, which a useful one orders as they are
_UNIFORM = 0.1  # of the density, at least
_HALF_LIFE = 10.0
_DESIGN_SHARE = 2 / 3
_DRAWS = 16


@dataclass(frozen=True, slots=True)
class Guide:
    """Where proposals are likely to be good, as far as earlier studies tell."""

    mixture: Mixture
    """Of all that is known, with a uniform part, so that nothing is excluded."""
    strength: float
    """By which exponent of its density an acquisition is multiplied."""
    trusts: tuple[float, ...]
    """How likely each earlier study is to be of use."""

    @classmethod
    def of(cls, history: History, seed: int, number: int) -> Guide | None:
        """What is known beside the trials; None if nothing is."""
        if not history.prior:
            return None
        values = values_of(history, seed, number) if len(history.Y) else np.empty(0)
        trusts = tuple(trust(study, history, values) for study in history.prior)
        doubt = math.prod(1 - one for one in trusts)
        uniform = max(_UNIFORM, doubt)
        total = sum(trusts)
        parts = [
            ((1 - uniform) * one / total, study.mixture)
            for one, study in zip(trusts, history.prior, strict=True)
        ]
        mixture = Mixture.of([(uniform, Mixture.uniform(history.space)), *parts])
        return cls(mixture, _HALF_LIFE / (_HALF_LIFE + history.ended), trusts)

    def log_weight(self, units: FloatArray) -> FloatArray:
        return self.strength * self.mixture.log_density(units)

    def slope(self, unit: FloatArray) -> FloatArray:
        return self.strength * self.mixture.slope(unit)


def trust(study: EarlierStudy, history: History, values: FloatArray) -> float:
    """How likely an earlier study is to be of use, given what this one has seen."""
    share, count = agreement(study, history, values)
    log_odds = math.log(_TRUST / (1 - _TRUST))
    log_odds += count * share * math.log(2 * _AGREES)
    log_odds += count * (1 - share) * math.log(2 * (1 - _AGREES))
    return 1 / (1 + math.exp(-min(max(log_odds, -30.0), 30.0)))


def agreement(study: EarlierStudy, history: History, values: FloatArray) -> tuple[float, int]:
    """The share of pairs of trials that an earlier study orders as they are, and their number."""
    if len(values) < 2:
        return 0.5, 0
    columns = ~np.isnan(study.units).all(axis=0)
    model = _model(
        np.ascontiguousarray(study.units[:, columns]).tobytes(),
        study.ranks.tobytes(),
        tuple(categorical_columns(history.space)[columns].tolist()),
    )
    expected = model.process.predict(history.X[:, columns]).mean
    by_value = np.sign(values[:, np.newaxis] - values)
    by_study = np.sign(expected[:, np.newaxis] - expected)
    pairs = np.triu(by_value != 0, 1)
    total = int(pairs.sum())
    if not total:
        return 0.5, 0
    return float((by_value == by_study)[pairs].sum() / total), len(values) - 1


@lru_cache(maxsize=64)
def _model(units: bytes, ranks: bytes, categorical: tuple[bool, ...]) -> Model:
    y = np.frombuffer(ranks)
    X = np.frombuffer(units).reshape(len(y), -1)
    return fit_gaussian(X, y, np.array(categorical))


def guided(design: Optimizer, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
    """The proposals of an initial design, some of them where earlier studies were good."""
    guide = Guide.of(history, seed, numbers[0]) if len(numbers) else None
    units = design.suggest(history, numbers, seed)
    if guide is None:
        return units
    space = history.space
    for index, number in enumerate(numbers):
        rng = stream(seed, "prior", number)
        if number and rng.random() > _DESIGN_SHARE:
            continue
        drawn = space.snap(guide.mixture.sample(_DRAWS, rng))
        if number == 0:
            drawn = np.concatenate([guide.mixture.centres(space)[1:2], drawn])
        free = is_valid(space, drawn) & ~history.is_taken(drawn) & ~same_rows(drawn, units)
        if free.any():
            units[index] = drawn[np.argmax(free)]
    return units
