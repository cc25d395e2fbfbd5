from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.history import FloatArray, History
from fsopt.prior import EarlierStudy, learn
from fsopt.search import BayesianOptimizer, ForestOptions, Optimizer, RandomSearch, gaussian
from fsopt.search.acquisition import Acquisition, ExpectedImprovement, LogExpectedImprovement
from fsopt.search.beliefs import Beliefs
from fsopt.search.transfer import Guide, trust
from fsopt.space import Categorical, Float, Normal, Space, sample
from fsopt.streams import stream

SPACE = Space(Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Categorical("c", ["a", "b", "c"]))
MIDDLES = np.array([1, 3, 5]) / 6


def valley(U: FloatArray) -> FloatArray:
    """Smallest at (0.25, 0.7) with b."""
    wrong = np.abs(U[:, 2] - MIDDLES[1]) > 0.1
    return (U[:, 0] - 0.25) ** 2 + (U[:, 1] - 0.7) ** 2 + 0.2 * wrong


def earlier(
    objective: Callable[[FloatArray], FloatArray], name: str = "old", count: int = 80
) -> EarlierStudy:
    units = sample(SPACE, count, stream(7, name))
    params = [SPACE.from_row(row) for row in SPACE.from_unit(units)]
    return learn(name, params, objective(units)[:, np.newaxis], SPACE)


def history_of(units: FloatArray, *priors: EarlierStudy, space: Space = SPACE) -> History:
    history = History(
        space=space,
        X=units,
        Y=valley(units)[:, np.newaxis],
        numbers=np.arange(len(units)),
        X_failed=np.empty((0, 3)),
        X_pending=np.empty((0, 3)),
    )
    history.prior = tuple(sorted(priors, key=lambda study: study.id))
    return history


def search(optimizer: Optimizer, count: int, *priors: EarlierStudy, seed: int = 0) -> FloatArray:
    units = np.empty((0, 3))
    for number in range(count):
        proposed = optimizer.suggest(history_of(units, *priors), [number], seed)
        units = np.concatenate([units, proposed])
    return valley(units)


def guide_of(units: FloatArray, *priors: EarlierStudy) -> Guide | None:
    return Guide.of(history_of(units, *priors), 0, len(units))


def test_without_anything_known_there_is_no_guide() -> None:
    assert guide_of(np.empty((0, 3))) is None


def test_trust_is_bayes_theorem_where_all_pairs_agree_or_none() -> None:
    values = np.arange(6.0)
    for expected, chance in ((values, 0.8), (-values, 0.2)):
        useful, useless = 0.8 * chance**5, 0.2 * 0.5**5
        assert trust(expected, values) == pytest.approx(useful / (useful + useless))
    assert trust(np.empty(0), np.empty(0)) == pytest.approx(0.8)
    assert trust(values, np.zeros(6)) < 0.8  # nothing confirms it


@given(st.integers(0, 999))
def test_trust_does_not_depend_on_scales(seed: int) -> None:
    rng = stream(seed, "test")
    expected, values = rng.random(9), rng.random(9)
    assert trust(np.exp(3 * expected), 5 * values - 1) == trust(expected, values)


def test_a_related_study_gains_trust_and_a_misleading_one_loses_it() -> None:
    units = sample(SPACE, 12, stream(1, "test"))
    helpful, misleading = earlier(valley, "good"), earlier(lambda U: -valley(U), "bad")
    guide = guide_of(units, helpful, misleading)
    assert guide is not None
    by_name = dict(
        zip(
            [s.name for s in history_of(units, helpful, misleading).prior],
            guide.trusts,
            strict=True,
        )
    )
    assert by_name["good"] > 0.95
    assert by_name["bad"] < 0.05


def test_whoever_is_not_trusted_has_no_say() -> None:
    units = sample(SPACE, 12, stream(1, "test"))
    assert guide_of(units, earlier(lambda U: -valley(U), "bad")) is None


def test_the_guide_excludes_nothing_and_fades() -> None:
    study = earlier(valley)
    everywhere = sample(SPACE, 500, stream(2, "test"))
    strengths = []
    for count in (0, 10, 90):
        guide = guide_of(sample(SPACE, count, stream(1, "test")), study)
        assert guide is not None
        assert guide.mixture.log_density(everywhere).min() >= np.log(0.1) - 1e-9
        strengths.append(guide.strength)
    assert strengths == pytest.approx([1.0, 0.5, 0.1])


def test_after_many_trials_there_is_no_guide() -> None:
    assert guide_of(sample(SPACE, 301, stream(1, "test")), earlier(valley)) is None


def test_the_first_proposal_is_the_best_trial_of_the_source() -> None:
    study = earlier(valley)
    first = BayesianOptimizer().suggest(history_of(np.empty((0, 3)), study), [0], 3)
    assert first[0] == pytest.approx(study.best)


def test_a_proposal_of_the_design_tells_who_wanted_it() -> None:
    optimizer, history = BayesianOptimizer(), history_of(np.empty((0, 3)), earlier(valley))
    told = []
    for number in range(3):
        (unit,) = optimizer.suggest(history, [number], 3)
        explanation = optimizer.explain(history, number, 3, unit)
        assert explanation is not None
        told.append(explanation.source.partition(": ")[2])
    assert told[0].startswith("the best trial of old")
    assert told[1].startswith("point 1 of a Sobol' sequence") or "Sobol" in told[1]
    assert told[2].startswith("a draw from where earlier studies")


@pytest.mark.parametrize(
    "optimizer",
    [
        RandomSearch(),
        BayesianOptimizer(surrogate="gp"),
        BayesianOptimizer(surrogate=ForestOptions(trees=20), candidates=200),
        BayesianOptimizer(acquisition="ei"),
    ],
    ids=["random", "gp", "forest", "ei"],
)
def test_a_helpful_study_makes_the_search_better(optimizer: Optimizer) -> None:
    study = earlier(lambda U: 3 * valley(U - [0.03, -0.03, 0.0]))
    alone = [np.sort(search(optimizer, 8, seed=seed))[:4].mean() for seed in range(3)]
    taught = [np.sort(search(optimizer, 8, study, seed=seed))[:4].mean() for seed in range(3)]
    assert np.mean(taught) < 0.7 * np.mean(alone)


def test_a_misleading_study_does_not_spoil_the_search() -> None:
    best = search(BayesianOptimizer(), 25, earlier(lambda U: -valley(U), "bad")).min()
    assert best < 0.005


def test_proposals_depend_on_nothing_but_the_history() -> None:
    units = sample(SPACE, 10, stream(1, "test"))
    again = [
        BayesianOptimizer().suggest(history_of(units, earlier(valley)), [10, 11], 5)
        for _ in range(2)
    ]
    assert again[0].tolist() == again[1].tolist()
    assert len(np.unique(again[0], axis=0)) == 2


def test_random_draws_with_a_prior_depend_on_the_number_alone() -> None:
    study = earlier(valley)
    few, many = (history_of(sample(SPACE, n, stream(1, "test")), study) for n in (0, 20))
    draws = [RandomSearch().suggest(history, [30], 5) for history in (few, many)]
    assert draws[0].tolist() == draws[1].tolist()


def test_what_a_user_believes_is_tried_first_and_not_believed_forever() -> None:
    believing = Space(
        Float("x", 0.0, 1.0, prior=Normal(0.9, 0.05)),
        Float("y", 0.0, 1.0, prior=Normal(0.1, 0.05)),
        Categorical("c", ["a", "b", "c"]),
    )
    drawn = [
        RandomSearch().suggest(history_of(np.empty((0, 3)), space=believing), [number], 0)[0]
        for number in range(40)
    ]
    near = np.abs(np.array(drawn)[:, :2] - [0.9, 0.1]).max(axis=1) < 0.15
    assert 0.6 < near.mean() < 0.95
    seen = sample(believing, 15, stream(1, "test"))
    assert Guide.of(history_of(seen, space=believing), 0, 15) is None  # it is wrong
    history = history_of(seen[:0], space=believing)
    assert history.prior == ()


@pytest.mark.parametrize(
    "wanted", [LogExpectedImprovement(0.1), ExpectedImprovement(0.1)], ids=["log", "gain"]
)
def test_the_slope_of_a_guided_acquisition_is_its_derivative(wanted: Acquisition) -> None:
    units = sample(SPACE, 8, stream(1, "test"))
    history = history_of(units, earlier(valley))
    guide = Guide.of(history, 0, 8)
    assert guide is not None
    score = gaussian._Score(Beliefs.of(history, history.Y[:, 0]), wanted, guide)
    for point in sample(SPACE, 5, stream(3, "test")):
        value, slope = score.value_and_slope(point)
        assert value == pytest.approx(score.values(point[np.newaxis])[0])
        for column in (0, 1):
            beside = np.tile(point, (2, 1))
            beside[:, column] += [-1e-6, 1e-6]
            low, high = score.values(beside)
            assert slope[column] == pytest.approx((high - low) / 2e-6, rel=1e-3, abs=1e-6)


def test_the_checksum_of_a_history_tells_its_prior() -> None:
    units = sample(SPACE, 3, stream(1, "test"))
    sums = {history_of(units, *p).checksum() for p in ((), (earlier(valley),))}
    assert len(sums) == 2
