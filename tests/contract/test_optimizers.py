"""What every optimizer promises, whichever it is and whatever the space."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
import pytest

from fsopt.codec import decode, encode
from fsopt.errors import InfeasibleSpaceError, StudyError
from fsopt.events import Record, WriterStarted
from fsopt.history import FloatArray, History
from fsopt.search import (
    NSGA2,
    BayesianOptimizer,
    Exploration,
    ForestOptions,
    GridSearch,
    HaltonSearch,
    LatinHypercubeSearch,
    Optimizer,
    RandomSearch,
    RegularizedEvolution,
    SobolSearch,
)
from fsopt.search.registry import OPTIMIZERS, OPTIONS, optimizer_from_json, optimizer_to_json
from fsopt.space import (
    Categorical,
    Constant,
    Float,
    Int,
    Ordinal,
    Space,
    enumerate_all,
    same_rows,
    sample,
    unique_rows,
)

OPTIMIZER_CASES: dict[str, Optimizer] = {
    "random": RandomSearch(),
    "sobol": SobolSearch(),
    "halton": HaltonSearch(),
    "lhs": LatinHypercubeSearch(),
    "lhs-short": LatinHypercubeSearch(points=7),
    "grid": GridSearch(levels=60),
    "evolution": RegularizedEvolution(population=8, sample=3),
    "nsga2": NSGA2(population=8),
    "bayesian": BayesianOptimizer(initial_trials=5, candidates=100),
    "gaussian": BayesianOptimizer(initial_trials=1, surrogate="gp", candidates=100),
    "forest": BayesianOptimizer(initial_trials=5, surrogate="forest", candidates=200),
    "forest-genetic": BayesianOptimizer(
        surrogate=ForestOptions(trees=4, min_impurity_decrease=0.01),
        exploration=Exploration(kappa=1.0, period=3),
        maximizer="genetic",
        candidates=100,
    ),
    "forest-liar": BayesianOptimizer(
        initial_design="random",
        initial_trials=4,
        surrogate="random_forest",
        acquisition="logei",
        parallel="cl_max",
        candidates=100,
    ),
    "regressor": BayesianOptimizer(
        initial_trials=8,
        surrogate="sklearn.linear_model:BayesianRidge",
        acquisition="pid",
        exploration=Exploration(schedule="bandit"),
        parallel="qucb",
        candidates=100,
    ),
}

SPACES = {
    "continuous": Space(Float("x", -5.0, 5.0), Float("rate", 1e-5, 1.0, log=True)),
    "mixed": Space(
        Categorical("solver", ["adam", "sgd", None]),
        Int("layers", 1, 40),
        Int("units", 1, 2000, log=True),
        Ordinal("batch", [16, 32, 64]),
        Float("dropout", 0.0, 0.9, step=0.1),
        Float("x", 0.0, 1.0),
        Constant("epochs", 3),
    ),
    "conditional": Space(
        Categorical("model", ["svm", "net"]),
        Float("gamma", 1e-3, 1e3, log=True),
        Int("layers", 1, 4),
        Float("dropout", 0.0, 0.9),
        conditions={
            "gamma": "model == 'svm'",
            "layers": "model == 'net'",
            "dropout": "layers > 2",
        },
    ),
    "constrained": Space(
        Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), constraints=["abs(x - y) < 0.0005"]
    ),
    "finite": Space(
        Categorical("c", ["a", "b", "c"]),
        Int("n", 1, 6),
        Ordinal("o", [1, 10, 100]),
        conditions={"o": "c != 'a'"},
        constraints=["n * o <= 500"],
    ),
}

optimizers = pytest.mark.parametrize(
    "optimizer", OPTIMIZER_CASES.values(), ids=OPTIMIZER_CASES.keys()
)
spaces = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES.keys())


def history_of(
    space: Space, valued: int = 0, failed: int = 0, pending: int = 0, objectives: int = 1
) -> History:
    """A history of random trials, in arrays that can't be written to."""
    rng = np.random.default_rng(1)
    drawn = sample(space, 40 * (valued + failed + pending), rng)
    rows = drawn[unique_rows(drawn)][: valued + failed + pending]
    X, X_failed, X_pending = np.split(rows, [valued, valued + failed])
    Y = np.nansum(X, axis=1)[:, None] ** np.arange(1, objectives + 1)
    history = History(
        space=space,
        X=X,
        Y=Y,
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X_failed,
        X_pending=X_pending,
    )
    for array in (X, Y, history.numbers, X_failed, X_pending):
        array.setflags(write=False)
    return history


def assert_proposals(units: FloatArray, history: History, numbers: Sequence[int]) -> None:
    space = history.space
    assert units.shape == (len(numbers), len(space))
    assert units.dtype == np.float64
    np.testing.assert_array_equal(space.snap(units), units)
    assert space.satisfies(space.from_unit(units)).all()
    assert len(unique_rows(units)) == len(units)
    taken = np.concatenate([history.X, history.X_failed, history.X_pending])
    assert not same_rows(units, taken).any()


def test_every_registered_optimizer_is_under_contract() -> None:
    assert {optimizer.kind for optimizer in OPTIMIZER_CASES.values()} == set(OPTIMIZERS)


@optimizers
@spaces
@pytest.mark.parametrize(
    ("valued", "failed", "pending"),
    [(0, 0, 0), (12, 0, 0), (1, 11, 0), (8, 2, 2), (0, 12, 0), (0, 0, 12), (0, 6, 6)],
)
def test_a_batch_is_valid_distinct_and_new(
    optimizer: Optimizer, space: Space, valued: int, failed: int, pending: int
) -> None:
    history = history_of(space, valued, failed, pending)
    numbers = range(12, 32)
    assert_proposals(optimizer.suggest(history, numbers, 7), history, numbers)


@optimizers
@spaces
def test_proposals_for_several_objectives_are_valid(optimizer: Optimizer, space: Space) -> None:
    history = history_of(space, valued=12, failed=1, objectives=3)
    assert_proposals(optimizer.suggest(history, [13, 14], 7), history, [13, 14])


@optimizers
@spaces
def test_equal_values_teach_nothing_but_do_no_harm(optimizer: Optimizer, space: Space) -> None:
    varied = history_of(space, valued=12, pending=2)
    history = History(
        space=space,
        X=varied.X,
        Y=np.full((12, 1), 3.5),
        numbers=varied.numbers,
        X_failed=varied.X_failed,
        X_pending=varied.X_pending,
    )
    assert_proposals(optimizer.suggest(history, [14], 7), history, [14])


@optimizers
@spaces
def test_no_numbers_no_proposals(optimizer: Optimizer, space: Space) -> None:
    assert optimizer.suggest(history_of(space, 12), [], 7).shape == (0, len(space))


@optimizers
@spaces
def test_the_same_question_has_the_same_answer(optimizer: Optimizer, space: Space) -> None:
    numbers = [20, 23, 21]
    first = optimizer.suggest(history_of(space, 12, 2, 3), numbers, 7)
    optimizer.suggest(history_of(space, 5), [1, 2], 8)
    again = optimizer.suggest(history_of(space, 12, 2, 3), numbers, 7)
    assert first.tobytes() == again.tobytes()


@optimizers
@spaces
@pytest.mark.parametrize("valued", [0, 12])
def test_other_trials_and_other_seeds_get_other_proposals(
    optimizer: Optimizer, space: Space, valued: int
) -> None:
    history = history_of(space, valued)
    first, *others = (
        optimizer.suggest(history, numbers, seed)
        for numbers, seed in [
            (range(20, 26), 7),
            (range(40, 46), 7),
            (range(20, 26), 8),
            (range(20, 26), 2**53 - 1),
        ]
    )
    for other in others:
        assert not np.array_equal(first, other, equal_nan=True)


@optimizers
def test_workers_that_know_the_same_do_not_collide(optimizer: Optimizer) -> None:
    history = history_of(SPACES["continuous"], 12)
    proposals = [optimizer.suggest(history, [number], 7) for number in range(12, 32)]
    assert len(unique_rows(np.concatenate(proposals))) == 20


@optimizers
def test_inputs_are_left_alone(optimizer: Optimizer) -> None:
    history = history_of(SPACES["conditional"], 12, 2, 3)
    before = [array.copy() for array in (history.X, history.Y, history.X_pending)]
    numbers = [17, 18]
    optimizer.suggest(history, numbers, 7)
    assert numbers == [17, 18]
    for array, copy in zip((history.X, history.Y, history.X_pending), before, strict=True):
        np.testing.assert_array_equal(array, copy)


@optimizers
@pytest.mark.parametrize("batch", [1, 4])
def test_a_finite_space_is_exhausted_exactly(optimizer: Optimizer, batch: int) -> None:
    space = SPACES["finite"]
    every = enumerate_all(space, 1000)
    assert every is not None
    assert len(every) % 4 == 0, "else the last batch of four is not full"
    history = History.empty(space)
    for start in range(0, len(every), batch):
        units = optimizer.suggest(history, range(start, start + batch), 7)
        X = np.concatenate([history.X, units])
        Y = np.nansum(X, axis=1, keepdims=True)
        numbers = np.arange(len(X), dtype=np.int64)
        none = history.X_failed
        history = History(space=space, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)
    assert len(unique_rows(history.X)) == len(every)
    assert same_rows(every, history.X).all()
    with pytest.raises(InfeasibleSpaceError, match=f"all {len(every)} configurations"):
        optimizer.suggest(history, [len(every)], 7)


@optimizers
def test_a_batch_larger_than_the_space_is_refused(optimizer: Optimizer) -> None:
    history = history_of(SPACES["finite"], 12)
    with pytest.raises(InfeasibleSpaceError, match="have been given out"):
        optimizer.suggest(history, range(12, 100), 7)


@optimizers
def test_a_space_without_valid_configurations_is_refused(optimizer: Optimizer) -> None:
    space = Space(Int("n", 1, 9), constraints=["n > 9"])
    with pytest.raises(InfeasibleSpaceError):
        optimizer.suggest(History.empty(space), [0], 7)


@optimizers
def test_an_optimizer_is_read_back_as_it_was_recorded(optimizer: Optimizer) -> None:
    recorded = optimizer_to_json(optimizer)
    assert optimizer_from_json(json.loads(json.dumps(recorded))) == optimizer
    started = WriterStarted(host="h", pid=1, version="0", python="3", optimizer=recorded)
    line = encode(Record("w", 0, 0.0, started))
    read = decode(line.removesuffix(b"\n"), "w").event
    assert isinstance(read, WriterStarted)
    assert optimizer_from_json(read.optimizer) == optimizer


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_options_are_few_have_defaults_and_are_json_scalars_in_the_end(kind: str) -> None:
    optimizer = OPTIMIZERS[kind]()
    assert isinstance(optimizer, Optimizer)
    assert optimizer_from_json({"kind": kind}) == optimizer
    options = [getattr(optimizer, field.name) for field in fields(optimizer)]
    assert len(options) <= 9
    parts = [option for option in options if type(option) in OPTIONS.values()]
    parts += [part() for part in OPTIONS.values()]
    nested = [getattr(part, field.name) for part in parts for field in fields(part)]
    plain = [option for option in options if option not in parts] + nested
    assert all(isinstance(option, str | int | float | bool | None) for option in plain)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            {"kind": "annealing"},
            "unknown optimizer 'annealing'; known are bayesian, evolution, grid, halton, lhs, "
            "nsga2, random, sobol",
        ),
        ({}, "unknown optimizer None"),
        ({"kind": ["random"]}, "unknown optimizer"),
        ("random", "unknown optimizer"),
        ({"kind": "random", "speed": 3}, "'random' has no option 'speed'; its options are none"),
        ({"kind": "bayesian", "tree": 3}, "no option 'tree'; its options are initial_design, "),
        ({"kind": "bayesian", "candidates": 0}, "candidates must be an integer of 1 or more"),
        (
            {"kind": "bayesian", "surrogate.kind": "jungle"},
            "unknown surrogate 'jungle'; known are exploration, forest, tradeoff",
        ),
        ({"kind": "bayesian", "surrogate.trees": 3}, "unknown surrogate None"),
        (
            {"kind": "bayesian", "surrogate.kind": "forest", "surrogate.tree": 3},
            "surrogate 'forest' has no option 'tree'; its options are trees, ",
        ),
        (
            {"kind": "bayesian", "surrogate.kind": "forest", "surrogate.trees": 0},
            "trees must be an integer of 1 or more, not 0",
        ),
        (
            {"kind": "bayesian", "exploration.kind": "forest"},
            "exploration must be fsopt.Exploration",
        ),
        ({"kind": "bayesian", "exploration": {}}, "exploration must be fsopt.Exploration"),
        ({"kind": "bayesian", "kind.kind": 3}, "has no option 'kind'"),
        ({"kind": "bayesian", "trees.kind": "forest"}, "has no option 'trees'"),
    ],
)
def test_nonsense_in_a_record_is_named(data: object, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        optimizer_from_json(data)


def test_an_optimizer_that_could_not_be_read_back_is_not_recorded() -> None:
    class Custom:
        kind = "random"

        def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
            raise NotImplementedError

    with pytest.raises(StudyError, match="Custom can't be recorded"):
        optimizer_to_json(Custom())
