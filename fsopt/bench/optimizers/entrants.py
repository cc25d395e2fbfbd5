"""Who can be compared: fsopt's optimizers, and those of other packages that are installed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Protocol

import fsopt
from fsopt.bench.functions.base import Values
from fsopt.bench.machine import version
from fsopt.errors import EvaluationError
from fsopt.history import History
from fsopt.search import BayesianOptimizer, Optimizer
from fsopt.search.registry import OPTIMIZERS
from fsopt.space import Space


class Contestant(Protocol):
    """An optimizer at work on one study."""

    def ask(self, number: int, history: History) -> Values:
        """Propose a configuration.

        Args:
            number: The trial that it is for.
            history: What the worker that asks knows. Who keeps a state of his own has no need of
                it: he was told of every trial.
        """
        ...

    def tell(self, number: int, value: float | None) -> None:
        """Take in the value of a trial, or None for a failure."""
        ...

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Take in trials that were not asked for, before all others."""
        ...

    def close(self) -> None:
        """Leave nothing behind."""
        ...


Enter = Callable[[Space, int, int], Contestant]
"""Makes a contestant from the space, the seed and the number of evaluations."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """One that can be compared."""

    name: str
    distribution: str
    """The package, as it is installed and imported."""
    enter: Enter
    keeps_state: bool = True
    """Whether it can't propose from what one worker knows."""
    needs: tuple[str, ...] = ()
    """What else must be installed."""

    @property
    def version(self) -> str:
        """The version that runs."""
        if self.distribution == "fsopt":
            return fsopt.__version__  # also where it runs without being installed
        return version(self.distribution) or "unknown"

    @property
    def is_installed(self) -> bool:
        """Whether it can enter."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The packages that it needs and that are not installed."""
        return tuple(name for name in (self.distribution, *self.needs) if find_spec(name) is None)


class OwnOptimizer:
    """An optimizer of fsopt's, which keeps no state."""

    def __init__(self, optimizer: Optimizer, space: Space, seed: int) -> None:
        self._optimizer = optimizer
        self._space = space
        self._seed = seed

    def ask(self, number: int, history: History) -> Values:
        """Propose from the history."""
        units = self._optimizer.suggest(history, [number], self._seed)
        return self._space.from_row(self._space.from_unit(units)[0])

    def tell(self, number: int, value: float | None) -> None:
        """Nothing: the history is told."""

    def load(self, configurations: Sequence[Values], values: Sequence[float]) -> None:
        """Nothing: the history is told."""

    def close(self) -> None:
        """Nothing is to be closed."""


def _own(name: str, make: Callable[[], Optimizer]) -> Entrant:
    def enter(space: Space, seed: int, evaluations: int) -> Contestant:
        return OwnOptimizer(make(), space, seed)

    return Entrant(name=name, distribution="fsopt", enter=enter, keeps_state=False)


def _optuna(sampler: str, **options: bool) -> Enter:
    def enter(space: Space, seed: int, evaluations: int) -> Contestant:
        from fsopt.bench.optimizers.optuna_sampler import OptunaSampler

        return OptunaSampler(sampler, space, seed, **options)

    return enter


def _smac(facade: str) -> Enter:
    def enter(space: Space, seed: int, evaluations: int) -> Contestant:
        from fsopt.bench.optimizers.smac_facade import SmacFacade

        return SmacFacade(facade, space, seed, evaluations)

    return enter


def _deephyper(**options: str) -> Enter:
    def enter(space: Space, seed: int, evaluations: int) -> Contestant:
        from fsopt.bench.optimizers.deephyper_search import DeepHyperSearch

        return DeepHyperSearch(space, seed, **options)

    return enter


_ENTRANTS = (
    _own("fsopt", BayesianOptimizer),
    _own("fsopt-gp", lambda: BayesianOptimizer(surrogate="gp")),
    _own("fsopt-forest", lambda: BayesianOptimizer(surrogate="forest")),
    *(_own(kind, make) for kind, make in OPTIMIZERS.items() if make is not BayesianOptimizer),
    Entrant(name="optuna-tpe", distribution="optuna", enter=_optuna("TPESampler")),
    Entrant(
        name="optuna-tpe-liar",
        distribution="optuna",
        enter=_optuna("TPESampler", constant_liar=True),
    ),
    Entrant(name="optuna-gp", distribution="optuna", enter=_optuna("GPSampler"), needs=("torch",)),
    Entrant(
        name="smac-hpo",
        distribution="smac",
        enter=_smac("HyperparameterOptimizationFacade"),
    ),
    Entrant(name="smac-bb", distribution="smac", enter=_smac("BlackBoxFacade")),
    Entrant(name="deephyper-cbo", distribution="deephyper", enter=_deephyper()),
    Entrant(
        name="deephyper-qucbd",
        distribution="deephyper",
        enter=_deephyper(multi_point_strategy="qUCBd", acq_optimizer="sampling"),
    ),
)

ENTRANTS: Mapping[str, Entrant] = {entrant.name: entrant for entrant in _ENTRANTS}
"""All by name; other packages as a user gets them who names no settings, and with those for many
workers."""


def entrant(name: str) -> Entrant:
    """The one of this name.

    Raises:
        EvaluationError: If there is none, or its package is not installed.
    """
    if name not in ENTRANTS:
        raise EvaluationError(f"there is no optimizer {name!r}; known are {', '.join(ENTRANTS)}")
    found = ENTRANTS[name]
    if found.missing:
        packages = " ".join(found.missing)
        raise EvaluationError(f"{name} needs what is not installed; pip install {packages}")
    return found
