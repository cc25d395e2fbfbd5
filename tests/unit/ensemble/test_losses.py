import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.ensemble import (
    AGGREGATORS,
    LOSSES,
    AbsoluteError,
    CalibrationError,
    CrossEntropy,
    NormalNLL,
    QuantileError,
    SquaredError,
    ZeroOne,
    loss_of,
    losses_of,
)
from fsopt.ensemble.pool import Mixture, Pool
from fsopt.errors import PredictionError
from fsopt.predictions import Prediction

RANDOM = np.random.default_rng(0)
Y = RANDOM.integers(0, 3, 50)
P = RANDOM.dirichlet([1.0] * 3, 50)
T = RANDOM.normal(size=50)
MEAN, STD = RANDOM.normal(size=50), RANDOM.uniform(0.5, 2, 50)


def test_losses_are_what_other_packages_say() -> None:
    from scipy import stats
    from sklearn import metrics

    probabilities, normal = Prediction.of(P), Prediction.of(MEAN, STD)
    assert loss_of(CrossEntropy(), Y, probabilities) == pytest.approx(metrics.log_loss(Y, P))
    accuracy = metrics.accuracy_score(Y, P.argmax(axis=1))
    assert loss_of(ZeroOne(), Y, probabilities) == pytest.approx(1 - accuracy)
    assert loss_of(ZeroOne(), Y, Prediction.of(P.argmax(axis=1))) == pytest.approx(1 - accuracy)
    expected = -stats.norm.logpdf(T, MEAN, STD).mean()
    assert loss_of(NormalNLL(), T, normal) == pytest.approx(expected)
    squared = metrics.mean_squared_error(T, MEAN)
    assert loss_of(SquaredError(), T, normal) == pytest.approx(squared)
    assert loss_of(SquaredError(), T, Prediction.of(MEAN)) == pytest.approx(squared)
    absolute = metrics.mean_absolute_error(T, MEAN)
    assert loss_of(AbsoluteError(), T, normal) == pytest.approx(absolute)


def test_the_calibration_error_is_that_of_the_definition() -> None:
    claimed, right = P.max(axis=1), P.argmax(axis=1) == Y
    expected = 0.0
    for b in range(10):
        inside = (claimed >= b / 10) & (claimed < (b + 1) / 10)
        if inside.any():
            expected += inside.mean() * abs(right[inside].mean() - claimed[inside].mean())
    found = loss_of(CalibrationError(10), Y, Prediction.of(P))
    assert found == pytest.approx(expected)
    assert loss_of(CalibrationError(10), np.array([0]), Prediction.of([[1.0, 0.0]])) == 0
    assert loss_of(CalibrationError(10), np.array([1]), Prediction.of([[1.0, 0.0]])) == 1


def test_true_distributions_have_right_quantiles_and_narrow_ones_have_not() -> None:
    random = np.random.default_rng(2)
    mean, std = random.normal(size=20_000), random.uniform(0.5, 2, 20_000)
    y = random.normal(mean, std)
    assert loss_of(QuantileError(), y, Prediction.of(mean, std)) < 0.01
    # of a tenth of the width almost everything is in the first or the last quantile
    wrong = loss_of(QuantileError(), y, Prediction.of(mean, std / 100))
    levels = np.arange(1, 20) / 20
    assert wrong == pytest.approx(np.mean(np.abs(levels - 0.5)), abs=0.02)


def test_the_impossible_costs_much_but_not_everything() -> None:
    assert loss_of(CrossEntropy(), np.array([1]), Prediction.of([[1.0, 0.0]])) == pytest.approx(
        52 * np.log(2)
    )


members = st.integers(1, 4)


@pytest.mark.parametrize("name", LOSSES)
@given(st.integers(0, 2**32), members)
def test_an_ensembles_loss_is_that_of_its_prediction(name: str, seed: int, k: int) -> None:
    """What selectors compute from sums is what the aggregated prediction costs."""
    loss, random = LOSSES[name], np.random.default_rng(seed)
    for kind in loss.kinds:
        y = random.integers(0, 3, 20) if kind in ("probabilities", "labels") else None
        made = {
            "values": lambda: Prediction.of(random.normal(size=20)),
            "normal": lambda: Prediction.of(random.normal(size=20), random.uniform(0.1, 2, 20)),
            "probabilities": lambda: Prediction.of(random.dirichlet([1.0] * 3, 20)),
            "labels": lambda: Prediction.of(random.integers(0, 4, 20)),
        }
        candidates = [made[kind]() for _ in range(k)]
        weights = random.integers(1, 5, k).astype(float)
        known = random.normal(size=20) + 100 if y is None else y
        if y is None:
            for one in candidates:
                one.array[...] += 100 if one.array.ndim == 1 else [100, 0]
        pool = Pool(loss, known, candidates)
        mixture = Mixture.empty(pool)
        for number, weight in enumerate(weights):
            mixture = mixture.plus(pool[number], weight)
        found = AGGREGATORS[kind].aggregate(candidates, weights)
        array = found.prediction
        if kind == "normal":
            array = np.column_stack([found.prediction, found.std])
        whole = Prediction(kind, array)
        assert mixture.loss(pool) == pytest.approx(loss_of(loss, known, whole), rel=1e-6)
        for number in range(k):
            assert pool.own[number] == pytest.approx(loss_of(loss, known, candidates[number]))


def test_large_values_do_not_drown_a_mixtures_variance() -> None:
    y = np.full(5, 1e9)
    pool = Pool(NormalNLL(), y, [Prediction.of(y + d, np.full(5, 1e-3)) for d in (-1e-3, 1e-3)])
    mixture = Mixture.empty(pool).plus(pool[0]).plus(pool[1])
    expected = 0.5 * np.log(2 * np.pi * 2e-6)
    assert mixture.loss(pool) == pytest.approx(expected, abs=1e-3)


def test_the_first_loss_of_a_kind_is_its_likelihood_or_error() -> None:
    kinds = ("probabilities", "labels", "normal", "values")
    first = [losses_of(kind)[0].name for kind in kinds]
    assert first == ["cross-entropy", "zero-one", "nll", "squared"]


@pytest.mark.parametrize(
    ("loss", "y", "prediction", "what"),
    [
        (CrossEntropy(), Y, Prediction.of(MEAN), "not of values"),
        (SquaredError(), T, Prediction.of(MEAN[:3]), "3 predictions for 50"),
        (SquaredError(), T, Prediction.of([1.0], index=[50]), "row 50"),
        (CrossEntropy(), T, Prediction.of(P), "integers"),
        (CrossEntropy(), Y - 1, Prediction.of(P), "counted from 0"),
        (CrossEntropy(), Y + 1, Prediction.of(P), "true class 3, but 3 probabilities"),
    ],
)
def test_what_does_not_fit_is_refused(loss, y, prediction, what: str) -> None:
    with pytest.raises(PredictionError, match=what):
        loss_of(loss, y, prediction)


def test_a_single_bin_is_refused() -> None:
    for make in (CalibrationError, QuantileError):
        with pytest.raises(PredictionError, match="bins"):
            make(1)
