"""Optimizers tell which part of them made a proposal."""

from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.search import (
    BayesianOptimizer,
    Explainer,
    GridSearch,
    HaltonSearch,
    LatinHypercubeSearch,
    RandomSearch,
    RegularizedEvolution,
    SobolSearch,
)
from fsopt.search.explanation import REPLACEMENT
from fsopt.search.registry import OPTIMIZERS
from fsopt.space import Float, Int, Space

SPACE = Space(Int("n", 1, 7), Int("m", 1, 7))
BOX = Space(Float("x", 0.0, 1.0))
HALF = Space(Float("x", 0.0, 1.0), constraints=["x < 0.5"])


def source(optimizer: Explainer, history: History, number: int, unit: FloatArray) -> str:
    told = optimizer.explain(history, number, 3, unit)
    assert told is not None
    return told.source


def pending(space: Space, X: FloatArray) -> History:
    none = np.empty((0, len(space)))
    Y, numbers = np.empty((0, 1)), np.arange(0)
    return History(space=space, X=none, Y=Y, numbers=numbers, X_failed=none, X_pending=X)


def test_every_optimizer_of_the_package_explains_itself() -> None:
    assert all(isinstance(kind(), Explainer) for kind in OPTIMIZERS.values())


@pytest.mark.parametrize(
    "optimizer", [RandomSearch(), SobolSearch(), HaltonSearch(), LatinHypercubeSearch()], ids=repr
)
def test_a_replacement_is_told_from_a_trials_own_configuration(
    optimizer: RandomSearch | SobolSearch | HaltonSearch | LatinHypercubeSearch,
) -> None:
    X = np.empty((0, 2))
    sources = []
    for number in range(49):  # all there are
        history = pending(SPACE, X)
        unit = optimizer.suggest(history, [number], 3)[0]
        sources.append(source(optimizer, history, number, unit))
        X = np.vstack([X, unit])
    assert not sources[0].startswith(REPLACEMENT)
    assert any(told.startswith(REPLACEMENT) for told in sources)


def test_a_point_of_a_later_sequence_is_told_from_one_of_the_first() -> None:
    history = History.empty(HALF)
    units = SobolSearch().suggest(history, range(8), 3)
    plain = SobolSearch().suggest(History.empty(BOX), range(8), 3)
    for number, (unit, first) in enumerate(zip(units, plain, strict=True)):
        told = source(SobolSearch(), history, number, unit)
        assert told.startswith(f"point {number} of Sobol' sequence ")
        assert ("sequence 1 of 16" in told) == (first[0] < 0.5)


def test_a_point_of_a_grid_is_told_from_what_was_left_of_it() -> None:
    X = np.empty((0, 2))
    sources = []
    for number in range(49):
        history = pending(SPACE, X)
        unit = GridSearch(levels=7).suggest(history, [number], 3)[0]
        sources.append(source(GridSearch(levels=7), history, number, unit))
        X = np.vstack([X, unit])
    assert sources[0] == "point 0 of order of the grid 1 of 16"
    other = GridSearch(levels=7).suggest(History.empty(SPACE), [1], 3)[0]
    told = source(GridSearch(levels=7), History.empty(SPACE), 0, other)
    assert told == "one of the points of the grid that were left"


def test_evolution_tells_random_draws_from_changes() -> None:
    X = np.random.default_rng(0).random((10, 1))
    none, Y, numbers = X[:0], X.copy(), np.arange(10)
    history = History(space=BOX, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)
    told = source(RegularizedEvolution(), history, 10, X[0])
    assert told == "random draw: 10 of the first 100 trials have completed"
    told = source(RegularizedEvolution(population=5, sample=2), history, 10, X[0])
    assert told == "a change of the best of 2 of the newest 5 trials"


def test_the_initial_design_is_told_from_the_model() -> None:
    optimizer, none = BayesianOptimizer(), np.empty((0, 1))
    X = np.linspace(0.0, 1.0, 4)[:, None]
    for count in range(5):
        known = X[:count]
        history = History(
            space=BOX,
            X=known,
            Y=known**2,
            numbers=np.arange(count),
            X_failed=none,
            X_pending=none,
        )
        unit = optimizer.suggest(history, [count], 3)[0]
        told = source(optimizer, history, count, unit)
        if count < 3:
            assert told.startswith(f"initial design, {count} of 3 trials ended: point {count} of")
        else:
            assert told.startswith("model of")
