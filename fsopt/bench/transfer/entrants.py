"""Who learns from earlier studies, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import fsopt
from fsopt.bench.functions.base import Values
from fsopt.bench.machine import version
from fsopt.bench.optimizers.entrants import Contestant, OwnOptimizer
from fsopt.history import History
from fsopt.prior import EarlierStudy, learn
from fsopt.search import BayesianOptimizer
from fsopt.space import Space
from fsopt.transfer import Evaluations

_SEEDS = 5

Enter = Callable[[Space, int, Sequence[Evaluations]], Contestant]
"""Makes a contestant from the space, the seed and the earlier studies."""


class Taught(OwnOptimizer):
    """The default optimizer with a prior."""

    def __init__(self, space: Space, seed: int, sources: Sequence[Evaluations]) -> None:
        super().__init__(BayesianOptimizer(), space, seed)
        learned = (learn(one.name, one.configurations, one.to_minimise, space) for one in sources)
        self._prior: tuple[EarlierStudy, ...] = tuple(sorted(learned, key=lambda one: one.id))

    def ask(self, number: int, history: History) -> Values:
        """Propose from the history and the prior."""
        history.prior = self._prior
        return super().ask(number, history)


class Seeded(OwnOptimizer):
    """The default optimizer after the best trials of the sources; what is new is in the middle."""

    def __init__(self, space: Space, seed: int, sources: Sequence[Evaluations]) -> None:
        super().__init__(BayesianOptimizer(), space, seed)
        middle = space.from_row(space.from_unit(np.full((1, len(space)), 0.5))[0])
        ranked = [
            [one.configurations[i] for i in np.argsort(one.to_minimise[:, 0], kind="stable")]
            for one in sources
        ]
        best = [params for tier in zip(*ranked, strict=False) for params in tier]
        self._seeds: list[Values] = [{**middle, **params} for params in best[:_SEEDS]]

    def ask(self, number: int, history: History) -> Values:
        """One of the best trials, or what is proposed from the history."""
        if number < len(self._seeds):
            return self._seeds[number]
        return super().ask(number, history)


def _alone(space: Space, seed: int, sources: Sequence[Evaluations]) -> Contestant:
    return OwnOptimizer(BayesianOptimizer(), space, seed)


def _deephyper(space: Space, seed: int, sources: Sequence[Evaluations]) -> Contestant:
    from fsopt.bench.optimizers.deephyper_search import DeepHyperSearch

    made = DeepHyperSearch(space, seed)
    made.learn(
        [params for one in sources for params in one.configurations],
        [float(value) for one in sources for value in _ranks(one)],
    )
    return made


def _ranks(one: Evaluations) -> Sequence[float]:
    """Values of sources on different scales are not comparable, their ranks are."""
    values = one.to_minimise[:, 0]
    places: list[int] = np.argsort(np.argsort(values)).tolist()
    return [place / len(values) for place in places]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One that can be compared."""

    name: str
    distribution: str
    enter: Enter

    @property
    def version(self) -> str:
        """The version that runs."""
        if self.distribution == "fsopt":
            return fsopt.__version__
        return version(self.distribution) or "unknown"


ENTRANTS: Mapping[str, Entrant] = {
    one.name: one
    for one in (
        Entrant(name="fsopt", distribution="fsopt", enter=Taught),
        Entrant(name="fsopt-alone", distribution="fsopt", enter=_alone),
        Entrant(name="fsopt-seeded", distribution="fsopt", enter=Seeded),
        Entrant(name="deephyper-gmm", distribution="deephyper", enter=_deephyper),
    )
}
"""All by name: with the prior, without sources, with the five best trials of the sources evaluated
first, and DeepHyper's mixture."""
