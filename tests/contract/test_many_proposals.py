"""A hundred thousand proposals, in large batches: none is invalid, none is made twice."""

from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import History
from fsopt.search import (
    NSGA2,
    BayesianOptimizer,
    ForestOptions,
    GridSearch,
    HaltonSearch,
    LatinHypercubeSearch,
    Optimizer,
    RandomSearch,
    RegularizedEvolution,
    SobolSearch,
)
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space, unique_rows

SPACES = {
    "conditional": Space(
        Categorical("model", ["svm", "net"]),
        Float("gamma", 1e-3, 1e3, log=True),
        Int("layers", 1, 4),
        Float("dropout", 0.0, 0.9),
        Int("units", 1, 100_000, log=True),
        conditions={
            "gamma": "model == 'svm'",
            "layers": "model == 'net'",
            "dropout": "layers > 2",
        },
    ),
    "constrained": Space(
        Float("x", 0.0, 1.0), Int("n", 1, 10_000), constraints=["x * n <= 2500", "x > 0.1"]
    ),
    "finite": Space(
        Int("n", 1, 40), Ordinal("o", list(range(30))), Categorical("c", list("abcdefgh"))
    ),
    "mixed": Space(
        Categorical("solver", ["adam", "sgd", None]),
        Int("layers", 1, 40),
        Int("units", 1, 2000, log=True),
        Ordinal("batch", [16, 32, 64]),
        Float("dropout", 0.0, 0.9, step=0.1),
        Constant("epochs", 3),
    ),
    "20-D": Space(*(Float(f"x{i}", 1e-6, 1.0, log=i % 2 == 0) for i in range(20))),
}

CHEAP = {
    "random": RandomSearch(),
    "sobol": SobolSearch(),
    "halton": HaltonSearch(),
    "lhs": LatinHypercubeSearch(points=100),
    "grid": GridSearch(levels=100),
    "evolution": RegularizedEvolution(),
    "nsga2": NSGA2(),
}
DEAR = {
    "gaussian": BayesianOptimizer(surrogate="gp", candidates=200),
    "forest": BayesianOptimizer(surrogate=ForestOptions(trees=8), candidates=500),
}


def check_batches(optimizer: Optimizer, space: Space, batches: int, size: int) -> None:
    history = History.empty(space)
    for start in range(0, batches * size, size):
        units = optimizer.suggest(history, range(start, start + size), 5)
        assert units.shape == (size, len(space))
        np.testing.assert_array_equal(space.snap(units), units)
        assert space.satisfies(space.from_unit(units)).all()
        X = np.concatenate([history.X, units])
        history = History(
            space=space,
            X=X,
            Y=np.nansum(X, axis=1, keepdims=True),
            numbers=np.arange(len(X), dtype=np.int64),
            X_failed=history.X_failed,
            X_pending=history.X_pending,
        )
    assert len(unique_rows(history.X)) == batches * size


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
@pytest.mark.parametrize("optimizer", CHEAP.values(), ids=CHEAP.keys())
def test_cheap_searchers_keep_their_promises(optimizer: Optimizer, space: Space) -> None:
    check_batches(optimizer, space, batches=4, size=850)


@pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())
@pytest.mark.parametrize("optimizer", DEAR.values(), ids=DEAR.keys())
def test_models_keep_their_promises(optimizer: Optimizer, space: Space) -> None:
    check_batches(optimizer, space, batches=2, size=100)
