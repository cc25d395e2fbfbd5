"""Who can be compared on several objectives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import numpy as np

import fsopt
from fsopt.bench.functions.base import Values
from fsopt.bench.machine import version
from fsopt.bench.multiobjective.problems import FrontProblem
from fsopt.errors import EvaluationError
from fsopt.history import FloatArray, History
from fsopt.search import NSGA2, BayesianOptimizer, Optimizer, RandomSearch


class Player(Protocol):
    """An optimizer at work on one study with one worker."""

    def ask(self, number: int) -> Values:
        """Propose a configuration for a trial."""
        ...

    def tell(self, number: int, values: FloatArray, excess: FloatArray) -> None:
        """Take in the objectives (m,), and (c,) what must not be positive."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


@dataclass(frozen=True, slots=True)
class Entrant:
    """One that can be compared."""

    name: str
    distribution: str
    """The package, as it is installed and imported."""
    enter: Callable[[FrontProblem, int], Player]
    """Makes a player from the problem and the seed."""

    @property
    def version(self) -> str:
        """The version that runs."""
        if self.distribution == "fsopt":
            return fsopt.__version__  # also where it runs without being installed
        return version(self.distribution) or "unknown"


class _Own:
    """An optimizer of fsopt's."""

    def __init__(self, optimizer: Optimizer, problem: FrontProblem, seed: int) -> None:
        self._optimizer, self._space, self._seed = optimizer, problem.space, seed
        self._X = np.empty((0, len(problem.space)))
        self._Y = np.empty((0, problem.objectives))
        self._excess: list[FloatArray] = []

    def ask(self, number: int) -> Values:
        none = self._X[:0]
        history = History(
            space=self._space,
            X=self._X,
            Y=self._Y,
            numbers=np.arange(len(self._X)),
            X_failed=none,
            X_pending=none,
            excess=np.array(self._excess) if self._excess else None,
        )
        units = self._optimizer.suggest(history, [number], self._seed)
        self._X = np.vstack([self._X, units])
        return self._space.from_row(self._space.from_unit(units)[0])

    def tell(self, number: int, values: FloatArray, excess: FloatArray) -> None:
        self._Y = np.vstack([self._Y, values])
        self._excess.append(excess)

    def close(self) -> None:
        """Nothing is to be closed."""


class _Optuna:
    """A sampler of Optuna's, which is told of violations where it can be."""

    def __init__(self, sampler: str, problem: FrontProblem, seed: int) -> None:
        from fsopt.bench.optimizers.optuna_sampler import OptunaSampler

        self._sampler = OptunaSampler(
            sampler,
            problem.space,
            seed,
            problem.objectives,
            constrained=True,
        )
        self._nothing = History.empty(problem.space, problem.objectives)

    def ask(self, number: int) -> Values:
        return self._sampler.ask(number, self._nothing)

    def tell(self, number: int, values: FloatArray, excess: FloatArray) -> None:
        self._sampler.constrain(number, excess.tolist())
        self._sampler.tell(number, values.tolist())

    def close(self) -> None:
        """Nothing is to be closed."""


class _DeepHyper:
    """DeepHyper's CBO, which knows no constraints on outcomes: what violates one has failed."""

    def __init__(self, problem: FrontProblem, seed: int) -> None:
        from fsopt.bench.optimizers.deephyper_search import DeepHyperSearch

        self._search = DeepHyperSearch(problem.space, seed)
        self._nothing = History.empty(problem.space, problem.objectives)

    def ask(self, number: int) -> Values:
        return self._search.ask(number, self._nothing)

    def tell(self, number: int, values: FloatArray, excess: FloatArray) -> None:
        self._search.tell(number, None if (excess > 0).any() else values.tolist())

    def close(self) -> None:
        self._search.close()


def _own(name: str, make: Callable[[], Optimizer]) -> Entrant:
    return Entrant(name, "fsopt", lambda problem, seed: _Own(make(), problem, seed))


def _optuna(name: str, sampler: str) -> Entrant:
    return Entrant(name, "optuna", lambda problem, seed: _Optuna(sampler, problem, seed))


_ALL = (
    _own("fsopt", BayesianOptimizer),
    _own("fsopt-forest", lambda: BayesianOptimizer(surrogate="forest")),
    _own("fsopt-nsga2", NSGA2),
    _own("random", RandomSearch),
    _optuna("optuna-nsga2", "NSGAIISampler"),
    _optuna("optuna-tpe", "TPESampler"),
    _optuna("optuna-gp", "GPSampler"),
    Entrant("deephyper-cbo", "deephyper", _DeepHyper),
)

ENTRANTS: Mapping[str, Entrant] = {one.name: one for one in _ALL}
"""All by name; other packages as a user gets them who names no settings."""


def select(words: str) -> list[Entrant]:
    """The entrants of these names, separated by commas.

    Raises:
        EvaluationError: If one is unknown, or its package is not installed.
    """
    chosen = []
    for name in dict.fromkeys(words.split(",")):
        if name not in ENTRANTS:
            known = ", ".join(ENTRANTS)
            raise EvaluationError(f"there is no optimizer {name!r}; known are {known}")
        one = ENTRANTS[name]
        if find_spec(one.distribution) is None:
            raise EvaluationError(f"{name} needs the package {one.distribution}")
        chosen.append(one)
    return chosen
