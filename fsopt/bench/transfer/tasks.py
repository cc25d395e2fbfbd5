"""Families of related tasks: earlier ones that are sources, and new ones that are searched.

Of each family the sources are helpful, useless (the optimum lies somewhere else) or adversarial
(what was good there is bad here).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from fsopt.bench.functions import PROBLEMS
from fsopt.bench.functions.base import Objective, Problem, Values
from fsopt.bench.optimizers.ledger import Ledger
from fsopt.bench.transfer import tables
from fsopt.history import FloatArray
from fsopt.search import BayesianOptimizer
from fsopt.space import Float, Space
from fsopt.streams import stream
from fsopt.transfer import Evaluations

KINDS = ("helpful", "useless", "adversarial")
"""Of sources."""

_SOURCES = 2
_TRIALS = 100  # of a source
_SHIFT = 0.04  # standard deviation, in each parameter, of the unit interval
_WIDER = 5  # parameters more than the sources had
_WEIGHT = 0.3  # of each of these


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Related tasks, by number: 0, 1, ... are new ones, -1, -2, ... their sources."""

    name: str
    task: Callable[[int], Problem]
    """The task of a number."""

    def sources(self, kind: str) -> tuple[Evaluations, ...]:
        """What was evaluated in earlier studies of this kind."""
        return _sources(self.name, kind)


def _moved(objective: Objective, space: Space, number: int, name: str) -> Objective:
    """The same with its landscape shifted, folded at the bounds, and scaled."""
    rng = stream(number % 2**32, f"task of {name}")
    shift, scale = rng.normal(0, _SHIFT, len(space)), float(np.exp(rng.normal()))

    def moved(params: Values) -> float:
        unit = space.to_unit(space.to_row(params)[np.newaxis]) - shift
        folded = 1 - np.abs(1 - np.abs(unit))
        return scale * objective(space.from_row(space.from_unit(folded)[0]))

    return moved


def _shifted(name: str, number: int) -> Problem:
    known = PROBLEMS[name]

    def lifted(params: Values) -> float:
        return known.regret(known.objective(params))

    objective = _moved(lifted, known.space, number, name)
    return Problem(name=f"shifted-{name}", group="", space=known.space, objective=objective)


def _expanded(name: str, number: int) -> Problem:
    """A new task has more parameters than the sources, each with an optimum of its own."""
    problem = _shifted(name, number)
    if number < 0:
        return problem
    best = stream(number, f"new parameters of {name}").uniform(0.2, 0.8, _WIDER)
    more = [Float(f"new{i}", 0.0, 1.0) for i in range(_WIDER)]

    def objective(params: Values) -> float:
        known = {n: params[n] for n in problem.space.names}
        away = float(sum((params[p.name] - at) ** 2 for p, at in zip(more, best, strict=True)))
        return problem.objective(known) * (1 + _WEIGHT * away) + _WEIGHT * away

    space = Space(*problem.space.parameters, *more)
    return Problem(name=f"expanded-{name}", group="", space=space, objective=objective)


def _models(number: int) -> Problem:
    """The same models on another data set."""
    data = (tables.NEW if number >= 0 else tables.EARLIER)[number % 2]
    least = min(tables.losses()[data].values())
    return Problem(
        name="models",
        group="",
        space=tables.SPACE,
        objective=partial(tables.loss, data),
        optimum=least,
    )


FAMILIES: Mapping[str, Family] = {
    family.name: family
    for family in (
        Family(name="shifted-hartmann6", task=partial(_shifted, "hartmann6")),
        Family(name="shifted-levy", task=partial(_shifted, "levy")),
        Family(name="shifted-network", task=partial(_shifted, "network")),
        Family(name="expanded-levy", task=partial(_expanded, "levy")),
        Family(name="models", task=_models),
    )
}
"""All by name."""


@lru_cache(maxsize=64)
def _sources(name: str, kind: str) -> tuple[Evaluations, ...]:
    task = FAMILIES[name].task
    return tuple(
        _evaluated(_changed(task(-1 - k), kind, k), f"{name}, {kind} source {k}", k)
        for k in range(_SOURCES)
    )


def _changed(problem: Problem, kind: str, number: int) -> Problem:
    """The task of a source of this kind."""
    space = problem.space
    elsewhere = space.snap(stream(number, "elsewhere").random((1, len(space))))

    def distance(params: Values) -> float:
        unit = space.to_unit(space.to_row(params)[np.newaxis])
        return float(np.nansum((unit - elsewhere) ** 2))

    def upside_down(params: Values) -> float:
        return -problem.objective(params)

    changed = {"useless": distance, "adversarial": upside_down}.get(kind, problem.objective)
    return Problem(name=problem.name, group="", space=space, objective=changed)


def _evaluated(problem: Problem, name: str, seed: int) -> Evaluations:
    """A study of the default optimizer."""
    space, ledger = problem.space, Ledger(problem.space, _TRIALS)
    configurations, values = [], []
    for number in range(_TRIALS):
        units: FloatArray = BayesianOptimizer().suggest(ledger.history(), [number], seed)
        params = space.from_row(space.from_unit(units)[0])
        value = problem.objective(params)
        ledger.end(ledger.begin(params, 0, 0.0), value, 0.0)
        configurations.append(params)
        values.append((value,))
    return Evaluations(
        name=name,
        objectives={"value": "minimize"},
        configurations=configurations,
        values=values,
        space=space,
    )
