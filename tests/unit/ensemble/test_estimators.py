import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import BayesianRidge, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import ShuffleSplit, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from sklearn.utils.estimator_checks import check_estimator

from fsopt.ensemble import (
    CrossEntropy,
    EnsembleClassifier,
    EnsembleRegressor,
    Greedy,
    SquaredError,
    TopK,
)
from fsopt.errors import PredictionError

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(120, 3))
Y = X @ [1.0, -1.0, 0.0] + RANDOM.normal(0, 0.3, 120)
CLASSES = np.array(["no", "some", "yes"])[np.digitize(Y, [-0.5, 0.5])]
TREE = DecisionTreeClassifier(max_depth=3, random_state=0)


@pytest.mark.parametrize(
    "estimator",
    [
        EnsembleClassifier([LogisticRegression(), TREE], cv=3),
        EnsembleRegressor(
            [Ridge(), BayesianRidge(), DecisionTreeRegressor(max_depth=3, random_state=0)], cv=3
        ),
    ],
    ids=["classifier", "regressor"],
)
def test_scikit_learns_own_checks_pass(estimator) -> None:
    """All that apply; skipped are those of the array API, which needs a package, by themselves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_estimator(estimator, on_skip=None)
    assert len(results) > 40
    assert {r["check_name"] for r in results if r["status"] == "skipped"} <= {
        "check_array_api_input",
        "check_estimators_pickle",
    }


def test_a_classifier_mixes_what_its_members_say() -> None:
    models = [LogisticRegression(), TREE, DummyClassifier()]
    made = EnsembleClassifier(models, selector=Greedy(CrossEntropy()), cv=4).fit(X, CLASSES)
    members = [models[number] for number in made.selection_.members]
    expected = sum(
        w * clone(model).fit(X, CLASSES).predict_proba(X)
        for w, model in zip(made.weights_, members, strict=True)
    )
    np.testing.assert_allclose(made.predict_proba(X), expected)
    assert made.classes_.tolist() == ["no", "some", "yes"]
    assert made.predict(X).tolist() == made.classes_[expected.argmax(axis=1)].tolist()
    parts = made.predict_uncertainty(X)
    entropy = -(expected * np.log(np.maximum(expected, 1e-300))).sum(axis=1)
    np.testing.assert_allclose(parts.total, entropy, atol=1e-9)
    assert (parts.epistemic >= 0).all()
    assert made.score(X, CLASSES) > 0.7


def test_classifiers_without_probabilities_are_certain() -> None:
    made = EnsembleClassifier([LinearSVC()], cv=3).fit(X, CLASSES)
    assert set(made.predict_proba(X).ravel()) == {0.0, 1.0}
    assert made.predict(X).tolist() == LinearSVC().fit(X, CLASSES).predict(X).tolist()


def test_a_regressor_is_the_normal_mixture_of_its_members() -> None:
    models = [LinearRegression(), DecisionTreeRegressor(max_depth=4, random_state=0)]
    made = EnsembleRegressor(models, selector=TopK(SquaredError(), 2), cv=4).fit(X, Y)
    first, second = (clone(model).fit(X, Y).predict(X) for model in models)
    mean, std = made.predict(X, return_std=True)
    np.testing.assert_allclose(mean, (first + second) / 2)
    np.testing.assert_allclose(made.predict(X), mean)
    aleatoric = np.mean(made.deviations_**2)
    np.testing.assert_allclose(std**2, aleatoric + (first - second) ** 2 / 4)
    parts = made.predict_uncertainty(X)
    np.testing.assert_allclose(parts.aleatoric, aleatoric)


def test_deviations_are_those_of_rows_left_out_or_the_models_own() -> None:
    made = EnsembleRegressor([LinearRegression()], cv=6).fit(X, Y)
    assert made.deviations_[0] == pytest.approx(0.3, abs=0.05)
    own = EnsembleRegressor([BayesianRidge()], cv=3).fit(X, Y)
    assert np.isnan(own.deviations_[0])
    _, std = BayesianRidge().fit(X, Y).predict(X, return_std=True)
    np.testing.assert_allclose(own.predict(X, return_std=True)[1], std)
    exact = EnsembleRegressor([LinearRegression()], cv=3).fit(X, X[:, 0])
    assert exact.deviations_[0] > 0


def test_fitted_models_are_taken_as_they_are() -> None:
    models = [LogisticRegression().fit(X[:40], CLASSES[:40]), TREE.fit(X[:40], CLASSES[:40])]
    made = EnsembleClassifier(models, cv="prefit").fit(X[40:], CLASSES[40:])
    assert all(any(one is model for model in models) for one in made.estimators_)
    linear = LinearRegression().fit(X[:40], Y[:40])
    made = EnsembleRegressor([linear], cv="prefit").fit(X[40:], Y[40:])
    expected = np.sqrt(np.mean((linear.predict(X[40:]) - Y[40:]) ** 2))
    assert made.deviations_[0] == pytest.approx(expected)


def test_a_fitted_model_that_knows_another_class_is_refused() -> None:
    few = CLASSES != "yes"
    with pytest.raises(PredictionError, match="classes that y does not have"):
        EnsembleClassifier([LogisticRegression().fit(X, CLASSES)], cv="prefit").fit(
            X[few], CLASSES[few]
        )
    some = LogisticRegression().fit(X[few], CLASSES[few])
    made = EnsembleClassifier([some], cv="prefit").fit(X, CLASSES)
    assert (made.predict_proba(X)[:, 2] == 0).all()


def test_parts_may_leave_rows_out() -> None:
    made = EnsembleRegressor(
        [LinearRegression(), Ridge(100.0)], cv=ShuffleSplit(1, test_size=0.3, random_state=0)
    ).fit(X, Y)
    assert made.score(X, Y) > 0.8


def test_it_works_in_pipelines_searches_and_executors() -> None:
    estimator = EnsembleClassifier([LogisticRegression(), TREE], cv=3)
    assert cross_val_score(estimator, X, CLASSES, cv=3).mean() > 0.7
    with ThreadPoolExecutor(2) as executor:
        made = EnsembleClassifier([LogisticRegression(), TREE], cv=3, executor=executor)
        np.testing.assert_allclose(
            made.fit(X, CLASSES).predict_proba(X), estimator.fit(X, CLASSES).predict_proba(X)
        )


def test_frames_reach_the_models_as_they_are() -> None:
    frame = pd.DataFrame({"x": X[:, 0], "kind": CLASSES})
    columns = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    made = EnsembleRegressor([make_pipeline(columns, LinearRegression())], cv=3)
    assert made.fit(frame, Y).predict(frame).shape == (120,)
    assert made.feature_names_in_.tolist() == ["x", "kind"]


def test_no_estimators_are_refused() -> None:
    with pytest.raises(PredictionError, match="estimators"):
        EnsembleRegressor().fit(X, Y)
