"""Choosing members for an ensemble, from what many models predict on the same data."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol

import numpy as np

from fsopt.ensemble.aggregators import FloatArray, check_weights
from fsopt.ensemble.losses import Loss
from fsopt.ensemble.pool import Mixture, Pool, Source
from fsopt.errors import PredictionError
from fsopt.predictions import Array
from fsopt.streams import stream
from fsopt.values import Params


@dataclass(frozen=True, slots=True)
class Selection:
    """An ensemble, as positions among its candidates.

    Attributes:
        members: The candidates chosen, ascending.
        weights: Of each member; they make 1.
        loss: That of the ensemble on the data that it was selected by, so it flatters.
        path: The loss of each ensemble on the way to it, where it was made step by step.
    """

    members: tuple[int, ...]
    weights: tuple[float, ...]
    loss: float
    path: tuple[float, ...] = ()


class Selector(Protocol):
    """Chooses members and weights."""

    @property
    def loss(self) -> Loss:
        """What it minimises."""
        ...

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def options(self) -> Params:
        """Its options by name, but for the loss."""
        ...

    def select(self, y: Array, candidates: Sequence[Source]) -> Selection:
        """Choose an ensemble.

        Args:
            y: (n,) The true values; classes are counted from 0.
            candidates: What each model predicts, for all rows or for some.

        Raises:
            PredictionError: If there are none, or they don't fit together or the loss.
        """
        ...

    def choose(self, pool: Pool) -> Selection:
        """Choose an ensemble among candidates that were read for its loss."""
        ...


@dataclass(frozen=True, slots=True)
class TopK:
    """The models with the least losses of their own, with equal weights.

    Args:
        loss: By which they are compared.
        size: How many.
    """

    loss: Loss
    size: int = 5

    name: ClassVar[str] = "topk"

    def __post_init__(self) -> None:
        _check_size(self.size)

    @property
    def options(self) -> Params:
        """See `Selector.options`."""
        return {"size": self.size}

    def select(self, y: Array, candidates: Sequence[Source]) -> Selection:
        """See `Selector.select`."""
        return self.choose(Pool(self.loss, y, candidates))

    def choose(self, pool: Pool) -> Selection:
        """See `Selector.choose`."""
        chosen = sorted(pool.best(self.size))
        mixture = Mixture.empty(pool)
        for number in chosen:
            mixture = mixture.plus(pool[number])
        weights = (1 / len(chosen),) * len(chosen)
        return Selection(tuple(chosen), weights, mixture.loss(pool))


@dataclass(frozen=True, slots=True)
class Greedy:
    """The best model first; then, again and again, the one whose addition helps most.

    After Caruana et al., "Ensemble selection from libraries of models", 2004. A model may be added
    several times, which gives it more weight. Of the ensembles on the way the one with the least
    loss is taken; equal ones are told apart by the order of the candidates.

    Args:
        loss: What is minimised.
        size: How many additions, the first ones included.
        start: With how many of the best models to begin; a fifth of the size unless given. With
            few rows to select by the best model, and the one that helps it most, owe much to luck,
            and several average that out (section 2.2 there).
        replacement: Whether a model may be added several times.
        bags: Do so this many times, each among some of the models, and take the mean of the
            weights; 0 for once among all.
        share: Which part of the models a bag has.
        patience: Stop after so many additions in a row that did not help.
        seed: Of what is random in bags.
    """

    loss: Loss
    size: int = 25
    start: int | None = None
    replacement: bool = True
    bags: int = 0
    share: float = 0.5
    patience: int = 5
    seed: int = field(default=0, kw_only=True)

    name: ClassVar[str] = "greedy"

    def __post_init__(self) -> None:
        _check_size(self.size)
        if not 1 <= self.first <= self.size:
            raise PredictionError(f"start must be from 1 to the size, not {self.start}")
        if self.bags < 0 or self.patience < 1 or not 0 < self.share <= 1:
            raise PredictionError("bags must be 0 or more, patience 1 or more, share in (0, 1]")

    @property
    def first(self) -> int:
        """With how many models it begins."""
        return max(1, self.size // 5) if self.start is None else self.start

    @property
    def options(self) -> Params:
        """See `Selector.options`."""
        given = {one.name: getattr(self, one.name) for one in fields(self) if one.name != "loss"}
        return given | {"start": self.first}

    def select(self, y: Array, candidates: Sequence[Source]) -> Selection:
        """See `Selector.select`."""
        return self.choose(Pool(self.loss, y, candidates))

    def choose(self, pool: Pool) -> Selection:
        """See `Selector.choose`."""
        if not self.bags:
            counts, path = self._climb(pool, range(len(pool)))
        else:
            counts, path = np.zeros(len(pool)), []
            for bag in range(self.bags):
                among = self._bag(pool, bag)
                counts += check_weights(self._climb(pool, among)[0])
        members = np.flatnonzero(counts)
        weights = check_weights(counts[members])
        mixture = Mixture.empty(pool)
        for number, weight in zip(members.tolist(), weights.tolist(), strict=True):
            mixture = mixture.plus(pool[number], weight)
        return Selection(
            members=tuple(members.tolist()),
            weights=tuple(weights.tolist()),
            loss=mixture.loss(pool),
            path=tuple(path),
        )

    def _bag(self, pool: Pool, bag: int) -> list[int]:
        random = stream(self.seed, "ensemble-bag", bag)
        count = max(1, round(self.share * len(pool)))
        chosen: list[int] = np.sort(random.permutation(len(pool))[:count]).tolist()
        return chosen

    def _climb(self, pool: Pool, among: Sequence[int]) -> tuple[FloatArray, list[float]]:
        """How often each candidate is in the best ensemble on the way, and the losses there."""
        chosen: list[int] = []
        path: list[float] = []
        mixture = Mixture.empty(pool)
        among = [number for number in among if math.isfinite(pool.own[number])]
        beginning = pool.best(self.first, among)
        best = 0
        while len(chosen) < self.size and len(chosen) - best < self.patience + 1:
            if len(chosen) < len(beginning):
                number = beginning[len(chosen)]
            else:
                free = among if self.replacement else sorted({*among} - {*chosen})
                if not len(free):
                    break
                number = free[int(np.argmin([mixture.plus(pool[i]).loss(pool) for i in free]))]
            mixture = mixture.plus(pool[number])
            chosen.append(number)
            path.append(mixture.loss(pool))
            if len(chosen) <= len(beginning) or path[-1] < path[best]:
                best = len(path) - 1
        counts = np.bincount(chosen[: best + 1], minlength=len(pool)).astype(np.float64)
        return counts, path[: best + 1]


def _check_size(size: int) -> None:
    if size < 1:
        raise PredictionError(f"the size of an ensemble must be 1 or more, not {size}")
