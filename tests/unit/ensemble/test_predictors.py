import functools
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from fsopt.ensemble import (
    EnsemblePredictor,
    FunctionPredictor,
    LoadedPredictor,
    Mean,
    SklearnPredictor,
    TorchPredictor,
    as_predictor,
)
from fsopt.errors import PredictionError

X = np.linspace(-1, 1, 12)[:, None]
Y = (X[:, 0] > 0.1).astype(int)


def line(slope: float, X: np.ndarray) -> np.ndarray:
    return slope * X[:, 0]


def load_line(slope: float) -> functools.partial:
    return functools.partial(line, slope)


def test_models_of_scikit_learn_say_what_they_can() -> None:
    classifier = LogisticRegression().fit(X, Y)
    found = as_predictor(classifier).predict(X)
    assert found.kind == "probabilities"
    np.testing.assert_array_equal(found.array, classifier.predict_proba(X))
    process = GaussianProcessRegressor(optimizer=None, alpha=0.1).fit(X, X[:, 0])
    found = as_predictor(process).predict(X)
    assert found.kind == "normal"
    np.testing.assert_array_equal(found.array.T, process.predict(X, return_std=True))
    assert as_predictor(LinearRegression().fit(X, X[:, 0])).predict(X).kind == "values"
    assert as_predictor(LinearSVC().fit(X, Y)).predict(X).kind == "labels"


def test_functions_may_return_means_alone_or_with_deviations() -> None:
    assert as_predictor(functools.partial(line, 2.0)).predict(X).kind == "values"
    both = FunctionPredictor(lambda X: (X[:, 0], np.ones(len(X)))).predict(X)
    assert both.kind == "normal"


def test_a_predictor_of_ones_own_is_taken_as_it_is() -> None:
    class Own:
        def predict(self, X):
            return FunctionPredictor(functools.partial(line, 3.0)).predict(X)

    assert as_predictor(Own()).predict(X).array.tolist() == (3 * X[:, 0]).tolist()


def test_what_can_not_predict_is_refused() -> None:
    with pytest.raises(PredictionError, match="predict"):
        as_predictor("a string")


@pytest.mark.parametrize("make", [None, ThreadPoolExecutor, ProcessPoolExecutor])
def test_members_predict_in_any_executor(make) -> None:
    members = [LoadedPredictor(functools.partial(load_line, s)) for s in (1.0, 2.0, 4.0)]
    weights = [1, 0, 3]
    if make is None:
        found = EnsemblePredictor(members, weights).predict(X)
    else:
        with make(2) as executor:
            found = EnsemblePredictor(members, weights, executor=executor).predict(X)
    np.testing.assert_allclose(found.prediction, 3.25 * X[:, 0])
    np.testing.assert_allclose(found.epistemic, 3 / 16 * (3 * X[:, 0]) ** 2)


def test_members_of_weight_zero_are_not_asked() -> None:
    def refuse(X):
        raise AssertionError

    members = [functools.partial(line, 1.0), refuse]
    found = EnsemblePredictor(members, [1, 0]).predict(X)
    np.testing.assert_allclose(found.prediction, X[:, 0])


def test_the_kind_of_members_decides_on_the_aggregator_unless_told() -> None:
    classifier = LogisticRegression().fit(X, Y)
    assert EnsemblePredictor([classifier]).predict(X).prediction.shape == (12, 2)
    members = [functools.partial(line, 1.0)] * 2
    found = EnsemblePredictor(members, aggregator=Mean()).predict(X)
    np.testing.assert_allclose(found.prediction, X[:, 0])


def test_weights_must_fit_the_members() -> None:
    with pytest.raises(PredictionError, match="1 weights for 2 members"):
        EnsemblePredictor([SklearnPredictor(None)] * 2, [1]).predict(X)
    with pytest.raises(PredictionError, match="not all 0"):
        EnsemblePredictor([]).predict(X)


def test_modules_of_torch_predict_in_batches() -> None:
    torch = pytest.importorskip("torch")
    linear = torch.nn.Linear(1, 1)
    found = as_predictor(linear).predict(X)
    assert found.kind == "values"
    expected = linear(torch.as_tensor(X, dtype=torch.float32)).detach().numpy()[:, 0]
    np.testing.assert_allclose(found.array, expected, rtol=1e-5)
    np.testing.assert_allclose(
        TorchPredictor(linear, batch=5).predict(X).array, expected, rtol=1e-5
    )

    class Normal(torch.nn.Module):
        def forward(self, x):
            return x, torch.ones_like(x)

    assert TorchPredictor(Normal(), batch=5).predict(X).kind == "normal"
    softmax = torch.nn.Sequential(torch.nn.Linear(1, 3), torch.nn.Softmax(dim=1))
    assert as_predictor(softmax).predict(X).kind == "probabilities"
