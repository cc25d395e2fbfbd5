from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.moo.hypervolume import hypervolume, reference_point
from fsopt.moo.pareto import nondominated
from fsopt.search import BayesianOptimizer, Exploration, SobolSearch, Tradeoff, front
from fsopt.search.front_acquisition import LogHypervolumeImprovement, TradeoffBound
from fsopt.search.front_beliefs import FrontBeliefs, kept_rows
from fsopt.space import Categorical, Float, Space, same_rows

BOX = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
FAST = BayesianOptimizer(candidates=200)


def bowls(X: FloatArray, m: int = 2) -> FloatArray:
    """Values with the front on the line from one center to the other."""
    centers = np.linspace(0.2, 0.8, m)
    return np.column_stack([((X - center) ** 2).sum(axis=1) for center in centers])


def points(count: int, space: Space = BOX) -> FloatArray:
    return SobolSearch().suggest(History.empty(space), range(count), 1)


def history_of(X: FloatArray, Y: FloatArray, **changes: object) -> History:
    none = X[:0]
    given = {"X_failed": none, "X_pending": none, "space": BOX} | changes
    return History(X=X, Y=Y, numbers=np.arange(len(X), dtype=np.int64), **given)


@pytest.mark.parametrize("m", [2, 3, 5])
def test_the_front_grows_more_than_by_points_that_fill_space(m: int) -> None:
    X = points(10)
    for number in range(10, 22):
        X = np.vstack([X, FAST.suggest(history_of(X, bowls(X, m)), [number], 3)])
    reference = np.full(m, 0.8)
    filled = hypervolume(bowls(points(30), m), reference)
    assert hypervolume(bowls(X, m), reference) > filled


def test_a_proposal_depends_on_the_history_the_number_and_the_seed_alone() -> None:
    X = points(12)
    history = history_of(X, bowls(X))
    first = FAST.suggest(history, [12], 3)
    np.testing.assert_array_equal(FAST.suggest(history, [12], 3), first)
    assert not np.array_equal(FAST.suggest(history, [13], 3), first)


def test_scales_of_objectives_do_not_matter() -> None:
    X = points(12)
    Y = bowls(X)
    first = FAST.suggest(history_of(X, Y), [12], 3)
    scaled = FAST.suggest(history_of(X, Y * [1024.0, 2.0**-9] + [0.0, 0.0]), [12], 3)
    np.testing.assert_allclose(scaled, first, atol=1e-4)


def test_proposals_of_workers_who_know_the_same_cover_the_front() -> None:
    X = points(20)
    history = history_of(X, bowls(X))
    units = np.concatenate([FAST.suggest(history, [number], 3) for number in range(40, 56)])
    near_line = np.abs(units[:, 0] - units[:, 1]) < 0.2
    assert near_line.mean() > 0.6
    positions = np.sort(units[near_line].mean(axis=1))
    assert positions[0] < 0.4
    assert positions[-1] > 0.6
    assert not same_rows(units[1:], units[:1]).any()


def test_a_batch_differs_and_keeps_apart_from_what_runs() -> None:
    X = points(12)
    running = np.array([[0.5, 0.5], [0.3, 0.3]])
    units = FAST.suggest(history_of(X, bowls(X), X_pending=running), range(14, 20), 3)
    both = np.concatenate([units, running, X])
    apart = np.abs(both[:, None] - both).max(axis=2) + np.eye(len(both))
    assert apart.min() > 1e-5


def test_what_fails_is_avoided() -> None:
    X = points(40)
    fails = X[:, 0] > 0.5
    history = history_of(X[~fails], bowls(X[~fails]), X_failed=X[fails])
    units = np.concatenate([FAST.suggest(history, [number], 3) for number in range(40, 50)])
    assert (units[:, 0] < 0.55).mean() > 0.7


def test_categories_and_constants_are_no_obstacle() -> None:
    space = Space(Categorical("kind", ["a", "b", "c"]), Float("x", 0.0, 1.0))
    X = points(12, space)
    Y = bowls(X) + (X[:, :1] > 0.9)
    units = FAST.suggest(history_of(X, Y, space=space), [12, 13], 3)
    assert units.shape == (2, 2)


def test_a_hypervolume_is_for_few_objectives_and_weights_are_for_many() -> None:
    X = points(12)

    def kinds(m: int, *, is_alone: bool) -> list[type]:
        beliefs = FrontBeliefs.of(history_of(X, bowls(X, m)))
        draws = (np.random.default_rng(seed) for seed in range(60))
        return [type(front._wanted(beliefs, is_alone=is_alone, rng=rng)) for rng in draws]

    alone, beside = kinds(3, is_alone=True), kinds(3, is_alone=False)
    assert 0 < alone.count(TradeoffBound) < beside.count(TradeoffBound)
    assert beside.count(LogHypervolumeImprovement) > 0
    assert set(kinds(4, is_alone=True)) == {TradeoffBound}


def test_volumes_count_in_the_units_of_the_objectives() -> None:
    X = points(20)
    Y = np.column_stack([bowls(X)[:, 0], np.exp(8 * bowls(X)[:, 1])])
    beliefs = FrontBeliefs.of(history_of(X, Y))
    values = beliefs.values()
    own = [to_units(column) for to_units, column in zip(beliefs.units(), values.T, strict=True)]
    np.testing.assert_allclose(np.column_stack(own), Y, rtol=0.05)
    found = reference_point(Y)
    back = [
        float(to_units(np.array([limit]))[0])
        for to_units, limit in zip(beliefs.units(), beliefs.reference(values), strict=True)
    ]
    np.testing.assert_allclose(back, found, rtol=0.1)


def test_an_explicit_acquisition_or_trade_off_learns_one_value() -> None:
    X = points(12)
    history = history_of(X, bowls(X))
    for chosen in (
        BayesianOptimizer(tradeoff=Tradeoff()),
        BayesianOptimizer(acquisition="ei"),
        BayesianOptimizer(exploration=Exploration(kappa=1.0)),
    ):
        told = chosen.explain(history, 12, 3, chosen.suggest(history, [12], 3)[0])
        assert told is not None
        assert told.surrogate == "Gaussian process"


def test_an_explanation_names_the_models_that_made_the_proposal() -> None:
    X = points(12)
    history = history_of(X, bowls(X))
    told = FAST.explain(history, 12, 3, FAST.suggest(history, [12], 3)[0])
    assert told is not None
    assert told.source.startswith("model of ")
    assert told.surrogate == "Gaussian process of each objective"
    assert told.acquisition in ("logehvi", "tradeoff")
    other = FAST.explain(history, 12, 3, np.array([0.9, 0.1]))
    assert other is not None
    assert other.source == "model"


def test_the_best_fronts_are_kept_of_many_trials() -> None:
    Y = bowls(points(400))
    kept = kept_rows(Y, np.ones(400, dtype=np.bool_), 100)
    assert len(kept) == 100
    assert np.isin(np.flatnonzero(nondominated(Y)), kept).all()
    assert (np.diff(kept) > 0).all()
    assert kept_rows(Y[:100], np.ones(100, dtype=np.bool_), 100).tolist() == list(range(100))


def test_parts_lie_around_trials_of_the_front() -> None:
    X = points(60)
    Y = bowls(X)
    history = history_of(X, Y)
    whole = FrontBeliefs.of(history)
    best = X[nondominated(Y)]
    for seed in range(5):
        part = whole.of_part(history, X[:0], np.random.default_rng(seed))
        inside = ((best >= part.box.low) & (best <= part.box.high)).all(axis=1)
        assert inside.any()
        assert (part.box.high - part.box.low).max() < 0.8
        assert len(part.rows) == 20


def test_what_is_believed_of_running_trials_counts_for_the_front() -> None:
    X = points(12)
    history = history_of(X, bowls(X), X_failed=np.array([[0.9, 0.1]]))
    whole = FrontBeliefs.of(history)
    assert len(whole.values()) == 12
    more = whole.believing(np.array([[0.5, 0.5]]))
    np.testing.assert_allclose(more.values()[:12], whole.values(), atol=1e-6)
    predicted = [process.predict(np.array([[0.5, 0.5]])).mean[0] for process in whole.processes]
    np.testing.assert_allclose(more.values()[12], predicted, atol=1e-3)
