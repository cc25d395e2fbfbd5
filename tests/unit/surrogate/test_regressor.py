from __future__ import annotations

import numpy as np
import pytest

from fsopt.errors import StudyError
from fsopt.surrogate import fit_regressor, is_regressor_name

NEIGHBORS = "sklearn.neighbors:KNeighborsRegressor"
X = np.random.default_rng(0).random((40, 2))
Y = X[:, 0] + 0.1 * X[:, 1]
QUERY = np.random.default_rng(1).random((20, 2))


def test_a_class_that_predicts_deviations_is_fitted_once() -> None:
    from sklearn.linear_model import BayesianRidge

    found = fit_regressor(X, Y, np.random.default_rng(0), "sklearn.linear_model:BayesianRidge")
    assert len(found.members) == 1
    predicted = found.predict(QUERY)
    mean, deviation = (
        BayesianRidge().fit(X.astype(np.float32), Y).predict(QUERY.astype(np.float32), True)
    )
    np.testing.assert_allclose(predicted.mean, mean)
    np.testing.assert_allclose(predicted.epistemic, deviation)
    np.testing.assert_array_equal(predicted.aleatoric, 0)


def test_of_others_the_deviation_is_that_of_a_bootstrap() -> None:
    found = fit_regressor(X, Y, np.random.default_rng(0), NEIGHBORS)
    each = np.array([member.predict(QUERY) for member in found.members])
    assert len(each) == 10
    assert len({member._fit_X.tobytes() for member in found.members}) == 10
    predicted = found.predict(QUERY)
    np.testing.assert_allclose(predicted.mean, each.mean(axis=0))
    np.testing.assert_allclose(predicted.epistemic, each.std(axis=0))
    assert np.abs(predicted.mean - QUERY @ [1, 0.1]).max() < 0.4


def test_the_generator_decides_all_randomness() -> None:
    first, same, other = (
        fit_regressor(X, Y, np.random.default_rng(seed), "sklearn.tree:ExtraTreeRegressor")
        .predict(QUERY)
        .mean
        for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(first, same)
    assert not np.array_equal(first, other)


def test_inactive_parameters_are_numbers_too() -> None:
    holes = np.where(X < 0.2, np.nan, X)
    found = fit_regressor(holes, Y, np.random.default_rng(0), NEIGHBORS).predict(holes)
    assert np.isfinite(found.mean).all()


@pytest.mark.parametrize(
    "name",
    [
        "os:system",
        "sklearn:BaseEstimator",
        "sklearn.neighbors",
        "sklearn._private:Thing",
        "sklearn.neighbors:__init__",
        "sklearnx.neighbors:KNeighborsRegressor",
        "sklearn..neighbors:KNeighborsRegressor",
        " sklearn.neighbors:KNeighborsRegressor",
        None,
    ],
)
def test_only_public_modules_of_one_package_are_named(name: str) -> None:
    assert not is_regressor_name(name)
    with pytest.raises(StudyError, match="does not name a regressor"):
        fit_regressor(X, Y, np.random.default_rng(0), name)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sklearn.neighbours:KNeighborsRegressor", "No module named"),
        ("sklearn.neighbors:KNeighborRegressor", "is not a regressor of scikit-learn"),
        ("sklearn.neighbors:KNeighborsClassifier", "is not a regressor of scikit-learn"),
        ("sklearn.metrics:accuracy_score", "is not a regressor of scikit-learn"),
        ("sklearn.base:RegressorMixin", "is not a regressor of scikit-learn"),
        ("sklearn.multioutput:MultiOutputRegressor", "can't be used as it is"),
    ],
)
def test_nothing_is_made_of_what_is_not_a_regressor(name: str, message: str) -> None:
    assert is_regressor_name(name)
    with pytest.raises(StudyError, match=message):
        fit_regressor(X, Y, np.random.default_rng(0), name)


def test_too_few_rows_are_named() -> None:
    found = fit_regressor(X[:3], Y[:3], np.random.default_rng(0), NEIGHBORS)
    with pytest.raises(StudyError, match=r"n_neighbors.*more initial_trials"):
        found.predict(QUERY)
