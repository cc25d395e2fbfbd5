from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from fsopt.history import FloatArray, History
from fsopt.search import gaussian
from fsopt.search.acquisition import (
    Acquisition,
    ConfidenceBound,
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
)
from fsopt.search.ascent import Box
from fsopt.search.beliefs import Beliefs
from fsopt.search.exploration import Exploration
from fsopt.search.gaussian import suggest_gaussian
from fsopt.search.sampled import Plan
from fsopt.space import Categorical, Constant, Float, Int, Space, sample
from fsopt.streams import stream

PLANE = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0))
MIXED = Space(
    Categorical("c", ["a", "b", "c"]),
    Float("x", 0.0, 1.0),
    Int("n", 1, 30),
    Float("y", 0.0, 1.0),
    Constant("k", 1),
    conditions={"y": "c != 'a'"},
)

PLAN = Plan(
    surrogate="gp",
    acquisition="auto",
    exploration=Exploration(),
    parallel="auto",
    maximizer="auto",
    candidates=300,
    design_size=5,
)


def bowl(X: FloatArray) -> FloatArray:
    return ((X - 0.6) ** 2).sum(axis=1)


def history_of(
    X: FloatArray,
    Y: FloatArray,
    space: Space = PLANE,
    failed: FloatArray | None = None,
    pending: FloatArray | None = None,
) -> History:
    return History(
        space=space,
        X=X,
        Y=Y.reshape(len(X), -1),
        numbers=np.arange(len(X), dtype=np.int64),
        X_failed=X[:0] if failed is None else failed,
        X_pending=X[:0] if pending is None else pending,
    )


def suggest(history: History, numbers: Sequence[int], seed: int) -> FloatArray:
    return suggest_gaussian(history, numbers, seed, PLAN)


def points(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((n, 2))


def test_the_minimum_of_a_smooth_function_is_proposed() -> None:
    X = points(25)
    found = [suggest(history_of(X, bowl(X)), [25], seed)[0] for seed in range(5)]
    np.testing.assert_allclose(np.median(found, axis=0), 0.6, atol=0.01)


def test_what_runs_is_not_proposed_again() -> None:
    X = points(25)
    alone = suggest(history_of(X, bowl(X)), [26], 0)
    for seed in range(5):
        history = history_of(X, bowl(X), pending=alone)
        (found,) = suggest(history, [26], seed)
        assert np.abs(found - alone[0]).max() > 1e-4


def test_a_batch_is_spread_out() -> None:
    X = points(12)
    found = suggest(history_of(X, bowl(X)), range(12, 20), 0)
    distance = np.linalg.norm(found[:, None] - found, axis=2) + np.eye(8)
    assert distance.min() > 1e-4


def test_where_trials_fail_none_is_proposed() -> None:
    X = points(80)
    fails = X[:, 0] > 0.5
    y = bowl(X)
    history = history_of(X[~fails], y[~fails], failed=X[fails])
    ignorant = history_of(X[~fails], y[~fails])
    warned, unwarned = (
        np.array([suggest(h, [80], seed)[0, 0] for seed in range(5)]) for h in (history, ignorant)
    )
    assert warned.max() < 0.56
    assert unwarned.max() > 0.56


def task(**changes: object) -> gaussian._Task:
    X = points(12)
    plain = {"hidden": 0, "proposed": X[:0], "number": 12, "plan": PLAN}
    return gaussian._Task(
        **{"history": history_of(X, bowl(X)), "values": bowl(X)} | plain | changes
    )


def kinds(one: gaussian._Task) -> set[type]:
    return {type(one.acquisition(0.5, np.random.default_rng(i))) for i in range(30)}


def test_parallel_proposals_are_by_both_acquisitions_and_single_ones_by_improvement() -> None:
    assert kinds(task()) == {LogExpectedImprovement}
    assert kinds(task(proposed=points(8))) == {LogExpectedImprovement, ConfidenceBound}
    assert kinds(task(hidden=1)) == {ConfidenceBound}


def test_an_acquisition_that_is_asked_for_is_used_and_varies_among_parallel_proposals() -> None:
    plan = replace(PLAN, acquisition="ucb", exploration=Exploration(schedule="constant"))
    single = {task(plan=plan).acquisition(0.5, np.random.default_rng(i)) for i in range(5)}
    assert single == {ConfidenceBound(1.96)}
    other = task(plan=plan, proposed=points(1))
    assert len({other.acquisition(0.5, np.random.default_rng(i)) for i in range(5)}) == 5
    assert kinds(task(plan=replace(PLAN, acquisition="pi"))) == {ProbabilityOfImprovement}


def test_scores_have_the_slopes_of_finite_differences_in_mixed_spaces() -> None:
    X = sample(MIXED, 60, np.random.default_rng(0))
    y = np.random.default_rng(2).standard_normal(60)
    history = history_of(X[:40], y[:40], space=MIXED, failed=X[40:])
    beliefs = Beliefs.of(history, y[:40])
    best = beliefs.best
    for wanted in (
        LogExpectedImprovement(best),
        ConfidenceBound(1.0),
        ExpectedImprovement(best),
        ProbabilityOfImprovement(best),
    ):
        score = gaussian._Score(beliefs, wanted)
        for row in sample(MIXED, 10, np.random.default_rng(1)):
            value, slope = score.value_and_slope(row)
            assert value == pytest.approx(score.values(row[np.newaxis])[0], rel=1e-8)
            for column in (1, 2, 3):
                step = np.zeros(5)
                step[column] = 1e-6
                up, down = score.values(np.array([row + step, row - step]))
                numeric = 0.0 if np.isnan(row[column]) else (up - down) / 2e-6
                assert slope[column] == pytest.approx(numeric, rel=1e-3, abs=1e-4)
            assert slope[0] == slope[4] == 0.0


def test_an_improvement_is_multiplied_by_the_chance_of_success_and_its_logarithm_added() -> None:
    X = sample(MIXED, 60, np.random.default_rng(0))
    y = np.random.default_rng(2).standard_normal(60)
    beliefs = Beliefs.of(history_of(X[:40], y[:40], space=MIXED, failed=X[40:]), y[:40])
    rows = sample(MIXED, 20, np.random.default_rng(1))

    def scores(wanted: Acquisition) -> FloatArray:
        return gaussian._Score(beliefs, wanted).values(rows)

    gains = scores(ExpectedImprovement(beliefs.best))
    logarithms = scores(LogExpectedImprovement(beliefs.best))
    np.testing.assert_allclose(gains, np.exp(logarithms), rtol=1e-9)
    assert gains.max() > 1e-3


def test_margins_are_of_numbers_without_levels_only() -> None:
    box = gaussian.narrowed(Box.whole(5), MIXED, stream(0, "gaussian", 3))
    np.testing.assert_array_equal(box.low > 0, [False, True, False, True, False])
    np.testing.assert_array_equal(box.high < 1, [False, True, False, True, False])
    assert box.low.max() < 0.06
    assert box.high.min() > 0.94


def test_several_objectives_are_weighed_anew_for_each_trial() -> None:
    X = points(30)
    Y = np.column_stack([X[:, 0], 1 - X[:, 0]])
    found = [suggest(history_of(X, Y), [30], seed)[0, 0] for seed in range(8)]
    assert np.ptp(found) > 0.3


def test_margins_stay_in_a_box_however_small_it_is() -> None:
    tiny = Box(np.full(5, 0.999), np.full(5, 1.0))
    for number in range(20):
        box = gaussian.narrowed(tiny, MIXED, stream(0, "gaussian", number))
        assert np.all(box.low <= box.high)


def ways(X: FloatArray, y: FloatArray) -> list[str]:
    known = task(history=history_of(X, y), values=y, number=len(X))
    whole = Beliefs.of(known.history, y)
    rngs = [np.random.default_rng(seed) for seed in range(30)]
    return [gaussian._propose(known, whole, rng)[1] for rng in rngs]


def test_half_of_the_proposals_that_could_improve_next_to_nothing_are_made_far_away() -> None:
    X = points(40)
    polished = np.concatenate([X, 0.6 + 1e-3 * (points(12, 1) - 0.5)])
    hopeful, hopeless = ways(X, bowl(X)), ways(polished, bowl(polished))
    far = "of all trials, far from each of them"
    assert hopeful.count(far) < 10 < hopeless.count(far) < 25
    assert {"of all trials", "of the trials near a good one", far} == set(hopeful)


def test_proposals_far_away_are_so() -> None:
    X = np.concatenate([points(60), 0.6 + 0.02 * (points(10, 1) - 0.5)])
    known = task(history=history_of(X, bowl(X)), values=bowl(X))
    whole = Beliefs.of(known.history, bowl(X))
    for seed in range(5):
        row = gaussian._best(known, whole, 0.04, np.random.default_rng(seed))
        assert row is not None
        assert np.abs(row - X).max(axis=1).min() > 0.04


def test_an_explanation_tells_how_a_proposal_was_made_and_what_was_expected_of_it() -> None:
    X = points(40)
    history = history_of(X, 100 + bowl(X))
    found = []
    for number in range(40, 60):
        (row,) = suggest(history, [number], 0)
        told = gaussian.explain_gaussian(history, number, 0, row, PLAN)
        assert told.source.startswith("model of")
        assert told.surrogate == "Gaussian process"
        assert told.mean == pytest.approx(100 + bowl(row[None])[0], abs=0.02)
        found.append(told.source)
    assert len(set(found)) == 3
    other = gaussian.explain_gaussian(history, 40, 0, np.array([0.1, 0.9]), PLAN)
    assert other.source == "model"
    assert other.mean == pytest.approx(100 + 0.34, abs=0.03)


def test_of_a_noisy_objective_a_configuration_may_be_evaluated_again() -> None:
    space = Space(Int("n", 1, 4))
    X = np.repeat(sample(space, 200, np.random.default_rng(0)), 1, axis=0)[:40]
    y = bowl(X) + 0.3 * np.random.default_rng(1).standard_normal(40)
    history = History(
        space=space,
        X=X,
        Y=y[:, None],
        numbers=np.arange(40),
        X_failed=X[:0],
        X_pending=X[:0],
        noisy=True,
    )
    found = suggest(history, [40, 41], 0)
    assert history.is_taken(found).all()


def test_of_a_finite_space_a_part_is_left_to_processes_that_are_not_heard_of() -> None:
    space = Space(Int("n", 1, 20), Int("m", 1, 20))
    X = sample(space, 8, np.random.default_rng(0))
    history = history_of(X, bowl(X), space=space)
    known = {tuple(suggest(history, [8], s)[0]) for s in range(6)}
    hidden = {tuple(suggest(history, [n], 0)[0]) for n in range(28, 40)}
    assert len(known) <= 4
    assert len(hidden) >= 10
