from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from fsopt.errors import InfeasibleSpaceError, StudyError
from fsopt.history import FloatArray, History
from fsopt.search import (
    BayesianOptimizer,
    Exploration,
    ForestOptions,
    Optimizer,
    RandomSearch,
    SobolSearch,
    Tradeoff,
)
from fsopt.search.designs import DESIGNS, initial_design
from fsopt.space import Categorical, Constant, Float, Int, Space

SPACE = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Float("z", 0.0, 1.0))


def history_of(
    X: FloatArray, y: FloatArray, pending: FloatArray | None = None, budget: int | None = None
) -> History:
    history = History(
        space=SPACE,
        X=X,
        Y=y[:, None],
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0],
        X_pending=X[:0] if pending is None else pending,
    )
    history.budget = budget
    return history


def search(space: Space, optimizer: Optimizer, trials: int, seed: int) -> float:
    """The best value of a function of the sum of squares around a shifted centre."""
    history = History.empty(space)
    for number in range(trials):
        X = np.concatenate([history.X, optimizer.suggest(history, [number], seed)])
        Y = np.nansum((X - 0.31) ** 2, axis=1, keepdims=True)
        none = history.X_failed
        numbers = np.arange(len(X), dtype=np.int64)
        history = History(space=space, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)
    return float(history.Y.min())


def test_the_design_lasts_until_enough_trials_have_ended() -> None:
    optimizer = BayesianOptimizer(candidates=50)
    design = SobolSearch().suggest(History.empty(SPACE), range(30), 5)
    y = np.linspace(1, 0, 30)
    early = history_of(design[:6], y[:6], pending=design[6:20])
    np.testing.assert_array_equal(optimizer.suggest(early, [20], 5), design[20:21])
    for kind in DESIGNS:
        expected = initial_design(kind, 7).suggest(early, [20], 5)
        found = BayesianOptimizer(initial_design=kind).suggest(early, [20], 5)
        np.testing.assert_array_equal(found, expected)
    late = history_of(design[:7], y[:7], pending=design[7:20])
    assert not np.array_equal(optimizer.suggest(late, [20], 5), design[20:21])


@pytest.mark.parametrize(("budget", "size"), [(1, 4), (20, 5), (24, 6), (28, 7), (400, 7)])
def test_of_a_small_budget_the_design_takes_a_quarter_but_more_than_there_are_parameters(
    budget: int, size: int
) -> None:
    optimizer = BayesianOptimizer(candidates=50)
    design = SobolSearch().suggest(History.empty(SPACE), range(10), 5)
    y = np.linspace(1, 0, 10)
    is_designed = [
        np.array_equal(
            optimizer.suggest(history_of(design[:n], y[:n], budget=budget), [n], 5),
            design[n : n + 1],
        )
        for n in range(1, 9)
    ]
    assert is_designed == [n < size for n in range(1, 9)]
    told = BayesianOptimizer(initial_trials=8)
    found = told.suggest(history_of(design[:7], y[:7], budget=budget), [7], 5)
    np.testing.assert_array_equal(found, design[7:8])


@pytest.mark.parametrize("surrogate", ["gp", "forest"])
@pytest.mark.parametrize(
    "space",
    [
        Space(*[Float(f"x{i}", 0.0, 1.0) for i in range(4)]),
        Space(Categorical("c", list("abcdef")), Int("n", 1, 100), Float("x", 0.0, 1.0)),
    ],
    ids=["continuous", "mixed"],
)
def test_it_finds_better_values_than_random_search(space: Space, surrogate: str) -> None:
    optimizer = BayesianOptimizer(surrogate=surrogate, candidates=500)
    found = [search(space, optimizer, 45, seed) for seed in range(3)]
    random = [search(space, RandomSearch(), 45, seed) for seed in range(3)]
    assert np.mean(np.log(found)) < np.mean(np.log(random)) - 0.5


def test_the_heavy_libraries_are_not_imported_before_they_are_needed() -> None:
    code = (
        "import sys, fsopt.search.registry; "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'scipy', 'sklearn'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def takes_gaussian(history: History, wanted: int = 1, **options: object) -> bool:
    numbers = range(100, 100 + wanted)
    return BayesianOptimizer(**options)._takes_gaussian(history, numbers, 0)  # type: ignore[arg-type]


def test_a_gaussian_process_is_taken_unless_many_proposals_are_wanted_at_once() -> None:
    history = History.empty(SPACE)
    assert takes_gaussian(history)
    assert takes_gaussian(history, 64)
    assert not takes_gaussian(history, 65)
    assert takes_gaussian(history, 65, surrogate="gp")
    assert not takes_gaussian(history, surrogate="forest")


def test_a_space_in_which_nothing_varies_needs_no_model() -> None:
    space = Space(Constant("k", 1))
    X = np.full((1, 1), 0.5)
    history = History(
        space=space,
        X=X,
        Y=np.zeros((1, 1)),
        numbers=np.arange(1, dtype=np.int64),
        X_failed=X[:0],
        X_pending=X[:0],
    )
    with pytest.raises(InfeasibleSpaceError):
        BayesianOptimizer(initial_trials=1, surrogate="gp").suggest(history, [1], 0)


def test_many_trials_whose_objectives_become_one_value_are_for_the_forest() -> None:
    def takes(trials: int, **options: object) -> bool:
        X = np.random.default_rng(0).random((trials, 3))
        numbers = np.arange(trials, dtype=np.int64)
        none, Y = X[:0], X[:, :2]
        history = History(space=SPACE, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)
        return takes_gaussian(history, **options)

    for options in ({"tradeoff": Tradeoff()}, {"acquisition": "ei"}):
        assert takes(100, **options)
        assert not takes(101, **options)
    assert takes(101)


def test_a_gaussian_process_is_taken_in_spaces_of_all_kinds() -> None:
    space = Space(Categorical("c", ["a", "b"]), Float("x", 0, 1), conditions={"x": "c == 'a'"})
    assert takes_gaussian(History.empty(space))


@pytest.mark.parametrize("options", [{"parallel": "qucb"}, {"maximizer": "genetic"}])
def test_options_that_a_gaussian_process_does_not_take_are_not_ignored(
    options: dict[str, object],
) -> None:
    assert not takes_gaussian(History.empty(SPACE), **options)
    with pytest.raises(StudyError, match="gp has a maximizer and a way of proposing in parallel"):
        BayesianOptimizer(surrogate="gp", **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"surrogate": "tree"}, "surrogate must be one of auto, gp, forest, .*, not 'tree'"),
        ({"surrogate": None}, "surrogate must be one of"),
        ({"surrogate": Exploration()}, "surrogate must be one of"),
        ({"surrogate": "os.path:join"}, "surrogate must be one of"),
        ({"initial_design": "star"}, "initial_design must be one of sobol, .*, not 'star'"),
        ({"initial_trials": 0.5}, "initial_trials must be an integer of 1 or more, not 0.5"),
        ({"candidates": 0}, "candidates must be an integer of 1 or more, not 0"),
        ({"acquisition": "UCBd"}, "acquisition must be one of auto, ucb, ucbd, .*, not 'UCBd'"),
        ({"parallel": "lie"}, "parallel must be one of auto, believer, .*, not 'lie'"),
        ({"maximizer": "lbfgs"}, "maximizer must be one of auto, sampling, genetic"),
        ({"exploration": ForestOptions()}, "exploration must be fsopt.Exploration"),
    ],
)
def test_nonsense_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(StudyError, match=message):
        BayesianOptimizer(**options)  # type: ignore[arg-type]
