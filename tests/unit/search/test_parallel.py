from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.search.parallel import STRATEGIES, fit_assuming
from fsopt.search.training import MAX_ROWS, TrainingSet
from fsopt.surrogate import ForestOptions, Surrogate, fit_forest

X = np.array([0.0, 0.1, 0.9, 1.0])[:, None]
DATA = TrainingSet(X, np.array([0.0, 0.3, 0.6, 1.0]), failures=1, stagnations=0)
OPEN = np.array([[0.5], [0.6]])


def fitted(strategy: str, open_rows: FloatArray = OPEN) -> Surrogate:
    fit = partial(fit_forest, options=ForestOptions(trees=100))
    rng = np.random.default_rng(0)
    return fit_assuming(DATA, open_rows, STRATEGIES[strategy], fit, fit, rng)


@pytest.mark.parametrize("strategy", ["auto", "believer"])
def test_to_believe_takes_the_uncertainty_and_leaves_the_mean(strategy: str) -> None:
    ignored = fitted("qucb").predict(OPEN)
    believed = fitted(strategy).predict(OPEN)
    assert ignored.epistemic.min() > 0.1
    np.testing.assert_allclose(believed.epistemic, 0, atol=1e-12)
    np.testing.assert_allclose(believed.mean, ignored.mean, atol=0.15)


@pytest.mark.parametrize(("strategy", "lie"), [("cl_min", 0.0), ("cl_mean", 0.3), ("cl_max", 0.6)])
def test_a_constant_liar_takes_the_values_of_successes(strategy: str, lie: float) -> None:
    found = fitted(strategy).predict(OPEN)
    np.testing.assert_allclose(found.mean, lie, atol=1e-12)
    np.testing.assert_allclose(found.epistemic, 0, atol=1e-12)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_without_open_trials_nothing_is_assumed(strategy: str) -> None:
    found, plain = fitted(strategy, OPEN[:0]).predict(OPEN), fitted("qucb").predict(OPEN)
    np.testing.assert_array_equal(found.mean, plain.mean)


def test_very_many_open_trials_are_thinned() -> None:
    many = np.linspace(0.1, 0.9, MAX_ROWS + 500)[:, None]
    sizes: list[int] = []

    def fit(X: FloatArray, y: FloatArray, rng: np.random.Generator) -> Surrogate:
        sizes.append(len(X))
        return fit_forest(X, y, rng, ForestOptions(trees=1))

    fit_assuming(DATA, many, STRATEGIES["auto"], fit, fit, np.random.default_rng(0))
    assert sizes == [4, MAX_ROWS // 2 + 4]


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 999, 12_000])
@pytest.mark.parametrize("several", [False, True])
def test_every_proposal_of_a_call_is_in_one_part(strategy: str, count: int, several: bool) -> None:
    parts = list(STRATEGIES[strategy].parts(count, several=several))
    assert [index for part in parts for index in part] == list(range(count))
    sizes = [len(part) for part in parts]
    one_fit = strategy in ("auto", "qucb") and not several
    expected = {0: 0, 1: 1, 9: 9, 10: 10, 11: 6, 999: 10, 12_000: 12}
    assert len(sizes) == (-(-count // 1000) if one_fit else expected[count])
