from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.search import BayesianOptimizer, Exploration, ForestOptions, Optimizer, RandomSearch
from fsopt.search.acquisition import ConfidenceBound
from fsopt.search.sampled import ACQUISITIONS, Plan, _Model, choose
from fsopt.space import Categorical, Float, Int, Space, unique_rows
from fsopt.surrogate import Prediction, Surrogate

CUBE = Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(3)])
PLAN = Plan(
    surrogate="extra_trees",
    acquisition="auto",
    exploration=Exploration(),
    parallel="auto",
    maximizer="auto",
    candidates=100,
    design_size=7,
)


def history_of(
    X: FloatArray,
    y: FloatArray,
    failed: FloatArray | None = None,
    pending: FloatArray | None = None,
    space: Space = CUBE,
) -> History:
    return History(
        space=space,
        X=X,
        Y=y[:, None],
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0] if failed is None else failed,
        X_pending=X[:0] if pending is None else pending,
    )


def bowl(n: int = 60, seed: int = 0) -> History:
    X = np.random.default_rng(seed).random((n, 3))
    return history_of(X, ((X - 0.5) ** 2).sum(axis=1))


def greedy(**options: object) -> BayesianOptimizer:
    exploration = Exploration(schedule="constant", kappa=1e-9, xi=0.0)
    return BayesianOptimizer(surrogate="forest", exploration=exploration, **options)  # type: ignore[arg-type]


def proposals(optimizer: Optimizer, history: History, count: int) -> FloatArray:
    """One proposal for each of so many trials, as processes that know the same make them."""
    first = len(history.X)
    each = [optimizer.suggest(history, [first + i], 0) for i in range(count)]
    return np.concatenate(each)


@pytest.mark.parametrize("maximizer", ["sampling", "genetic"])
def test_without_exploration_the_proposal_is_near_the_best(maximizer: str) -> None:
    found = proposals(greedy(maximizer=maximizer), bowl(), 5)
    assert np.abs(found - 0.5).mean() < 0.15


@pytest.mark.parametrize("maximizer", ["sampling", "genetic"])
def test_with_much_exploration_the_proposal_avoids_the_data(maximizer: str) -> None:
    X = np.random.default_rng(0).random((60, 3)) * [0.5, 1, 1]
    history = history_of(X, X[:, 1])
    exploration = Exploration(schedule="constant", kappa=1e6)
    explorer = BayesianOptimizer(surrogate="forest", exploration=exploration, maximizer=maximizer)
    nearest = []
    for optimizer in (explorer, RandomSearch()):
        found = proposals(optimizer, history, 15)
        distance = np.linalg.norm(found[:, None] - X, axis=2).min(axis=1)
        nearest.append(distance.mean())
    assert nearest[0] > nearest[1]


@pytest.mark.parametrize("acquisition", ACQUISITIONS)
def test_every_acquisition_prefers_the_good_half(acquisition: str) -> None:
    X = np.random.default_rng(0).random((80, 3))
    history = history_of(X, np.abs(X[:, 0] - 0.2) + 0.01 * X[:, 1])
    optimizer = BayesianOptimizer(surrogate="forest", acquisition=acquisition, candidates=300)
    found = proposals(optimizer, history, 10)
    assert (found[:, 0] < 0.5).mean() >= 0.8


def test_noise_attracts_unless_the_objective_is_deterministic() -> None:
    noisy = np.tile([[0.2], [0.8]], (20, 1)) + 1e-4 * np.arange(40)[:, None]
    space = Space(Float("x", 0.0, 1.0))
    y = np.where(noisy[:, 0] < 0.5, 0.4, np.tile([0.0, 1.0], 20).repeat(1))
    y[noisy[:, 0] > 0.5] = np.tile([0.0, 1.0], 10)
    history = history_of(noisy, y, space=space)
    forest = ForestOptions(min_samples_leaf=10)
    exploration = Exploration(schedule="constant", kappa=3.0)
    shares = []
    for acquisition in ("ucb", "ucbd"):
        optimizer = BayesianOptimizer(
            surrogate=forest, acquisition=acquisition, exploration=exploration
        )
        shares.append((proposals(optimizer, history, 10) > 0.6).mean())
    assert shares[0] == 1.0
    assert shares[1] < 1.0


def failing_half(optimizer: Optimizer, seed: int, trials: int) -> list[bool]:
    """Which trials failed, if all with ``x0 > 0.5`` do, and values are best at that border."""
    history = History.empty(CUBE)
    failures = []
    for number in range(trials):
        unit = optimizer.suggest(history, [number], seed)
        failures.append(bool(unit[0, 0] > 0.5))
        X = history.X if failures[-1] else np.concatenate([history.X, unit])
        failed = np.concatenate([history.X_failed, unit]) if failures[-1] else history.X_failed
        history = history_of(X, np.square(X - [0.55, 0.3, 0.3]).sum(axis=1), failed)
    return failures


def test_a_half_that_fails_is_left() -> None:
    optimizer = BayesianOptimizer(surrogate="forest", candidates=200)
    failures = np.array([failing_half(optimizer, seed, 50) for seed in range(4)])
    assert failures[:, :7].mean() == pytest.approx(0.5, abs=0.1)
    assert failures[:, 20:].mean() < 0.15


def test_what_is_expected_is_a_mixture_with_failure() -> None:
    def constant(mean: float, epistemic: float, aleatoric: float) -> Surrogate:
        class Constant:
            def predict(self, X: FloatArray) -> Prediction:
                return Prediction(*(np.full(len(X), x) for x in (mean, epistemic, aleatoric)))

        return Constant()

    surrogate, success = constant(0.2, 0.3, 0.4), constant(0.25, 0.1, 0.0)
    for is_deterministic, deviation in ((True, 0.3), (False, 0.5)):
        mixed = _Model(surrogate, success, is_deterministic).moments(np.zeros((2, 3)))
        np.testing.assert_allclose(mixed[0], 0.25 * 0.2 + 0.75 * 1.0)
        np.testing.assert_allclose(mixed[1], 0.25 * deviation)
        alone = _Model(surrogate, None, is_deterministic).moments(np.zeros((2, 3)))
        np.testing.assert_allclose(alone, [[0.2] * 2, [deviation] * 2])


def test_of_a_cell_one_candidate_is_chosen_while_there_are_others() -> None:
    mean = np.array([0.0, 0.0, 0.0, 1.0, 2.0])
    deviation = np.array([0.5, 0.5, 0.0, 0.0, 0.0])
    assert choose(mean, deviation, [ConfidenceBound(1.0)] * 9) == [0, 2, 3, 4, 1]
    assert choose(mean, deviation, [ConfidenceBound(0.0)] * 2) == [0, 2]
    assert choose(mean[:0], deviation[:0], [ConfidenceBound(1.0)]) == []


@pytest.mark.parametrize("parallel", ["auto", "believer", "cl_min", "cl_mean", "cl_max", "qucb"])
def test_a_hundred_proposals_are_a_hundred_configurations(parallel: str) -> None:
    mixed = Space(Categorical("c", ["a", "b"]), Int("n", 1, 60), Float("x", 0, 1, step=0.25))
    for space in (CUBE, mixed):
        X = RandomSearch().suggest(History.empty(space), range(40), 0)
        history = history_of(X, X.sum(axis=1), space=space)
        optimizer = BayesianOptimizer(surrogate="forest", parallel=parallel, initial_trials=40)
        units = optimizer.suggest(history, range(40, 140), 0)
        assert len(unique_rows(np.concatenate([X, units]))) == 140


def test_running_trials_repel_unless_they_are_ignored() -> None:
    """Where uncertainty attracts, it does so no longer next to what already runs."""
    X = np.random.default_rng(0).random((60, 3)) * [0.5, 1, 1]
    rest = np.random.default_rng(1).random((300, 3)) * [0.5, 1, 1] + [0.5, 0, 0]
    exploration = Exploration(schedule="constant", kappa=10.0)
    shares = {}
    for parallel in ("auto", "qucb"):
        optimizer = BayesianOptimizer(
            surrogate="forest", exploration=exploration, parallel=parallel
        )
        for name, pending in (("none", rest[:0]), ("many", rest)):
            found = proposals(optimizer, history_of(X, X[:, 1], pending=pending), 15)
            shares[parallel, name] = (found[:, 0] > 0.5).mean()
    assert shares["auto", "many"] < 0.1 < shares["auto", "none"] - 0.1
    assert shares["qucb", "many"] >= shares["qucb", "none"] > 0


def test_a_batch_for_several_objectives_covers_the_trade_off() -> None:
    line = Space(Float("x", 0.0, 1.0))
    X = np.linspace(0, 1, 40)[:, None]
    history = History(
        space=line,
        X=X,
        Y=np.column_stack([X, 1 - X]),
        numbers=np.arange(40, dtype=np.int64),
        X_failed=X[:0],
        X_pending=X[:0],
    )
    units = greedy().suggest(history, range(40, 50), 0)
    assert units.min() < 0.25
    assert units.max() > 0.75


def test_processes_that_know_the_same_do_not_propose_one_corner() -> None:
    X = np.random.default_rng(0).random((40, 3))
    history = history_of(X, X.sum(axis=1))
    optimizer = BayesianOptimizer(surrogate="sklearn.linear_model:BayesianRidge")
    alone = optimizer.suggest(history, [40], 0)
    assert alone.min() == 0.0
    found = proposals(optimizer, history, 20)
    assert len(unique_rows(found)) == 20
    assert found[1:].min() > 0.0
    linear = "sklearn.linear_model:BayesianRidge"
    batch = BayesianOptimizer(surrogate=linear, parallel="believer").suggest(
        history, range(40, 50), 0
    )
    assert batch[1:].min() == 0.0


def test_a_schedule_begins_after_the_design() -> None:
    first = PLAN.exploration.weights(0, 3)
    assert first.kappa == 1.96
    plan = replace(PLAN, exploration=Exploration(schedule="constant", kappa=7.0))
    found = plan.acquisition_of(0.0, plan.exploration.weights(100, 3))
    assert found == ConfidenceBound(7.0)


def test_impurity_shrinks_with_stagnation() -> None:
    forest = ForestOptions(min_impurity_decrease=0.005, trees=40)
    for stagnations, expected in ((0, 0.005), (1, 0.001), (3, 0.00004)):
        fit, quick = replace(PLAN, surrogate=forest).fits(stagnations)
        options = fit.keywords["options"], quick.keywords["options"]  # type: ignore[attr-defined]
        assert options[0].min_impurity_decrease == pytest.approx(expected)
        assert options[1].min_impurity_decrease == pytest.approx(expected)
        assert [one.trees for one in options] == [40, 16]


@pytest.mark.parametrize(
    "name",
    ["forest", "random_forest", "random_subspace", "sklearn.neighbors:KNeighborsRegressor"],
)
def test_surrogates_find_better_values_than_random_search(name: str) -> None:
    optimizer = BayesianOptimizer(surrogate=name, candidates=200)
    found, random = (
        np.mean([search(one, seed) for seed in range(3)]) for one in (optimizer, RandomSearch())
    )
    assert found < random


def search(optimizer: Optimizer, seed: int) -> float:
    """The logarithm of the smallest of 35 values."""
    history = History.empty(CUBE)
    for number in range(35):
        X = np.concatenate([history.X, optimizer.suggest(history, [number], seed)])
        history = history_of(X, ((X - 0.31) ** 2).sum(axis=1))
    return float(np.log(history.Y.min()))
