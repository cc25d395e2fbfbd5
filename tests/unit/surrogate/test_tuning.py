from __future__ import annotations

import numpy as np
import pytest

from fsopt.history import FloatArray
from fsopt.surrogate import tuning
from fsopt.surrogate.transforms import standardise, warp
from fsopt.surrogate.tuning import fit_gaussian, fit_labels, refit_size, subset

ORDERED = np.zeros(3, dtype=np.bool_)


def rows(n: int, seed: int = 0) -> FloatArray:
    return np.random.default_rng(seed).random((n, 3))


def bowl(X: FloatArray) -> FloatArray:
    return ((X - 0.4) ** 2).sum(axis=1)


def test_what_was_fitted_before_does_not_matter() -> None:
    X, query = rows(130), rows(20, seed=1)
    tuning._tuned.cache_clear()
    fresh = fit_gaussian(X, bowl(X), ORDERED).process.predict(query)
    tuning._tuned.cache_clear()
    for n in (20, 80, 113, 129):
        fit_gaussian(X[:n], bowl(X[:n]), ORDERED)
    fit_gaussian(rows(50, seed=3), np.arange(50.0), ORDERED)
    later = fit_gaussian(X, bowl(X), ORDERED).process.predict(query)
    assert fresh.mean.tobytes() == later.mean.tobytes()
    assert fresh.epistemic.tobytes() == later.epistemic.tobytes()


def test_a_smooth_function_is_predicted_from_few_values() -> None:
    X, query = rows(60), rows(50, seed=1)
    y = bowl(X)
    model = fit_gaussian(X, y, ORDERED)
    found = model.process.predict(query)
    z = (warp if model.warped else standardise)(np.append(y, bowl(query))).z
    assert np.corrcoef(found.mean, z[60:])[0, 1] > 0.99


def test_the_units_of_the_values_do_not_matter() -> None:
    X, query = rows(30), rows(20, seed=1)
    y = np.round(bowl(X) * 64) / 64  # exact in both units
    first = fit_gaussian(X, y, ORDERED)
    other = fit_gaussian(X, 1024 * y + 2, ORDERED)
    assert first.warped == other.warped
    found, expected = other.process.predict(query), first.process.predict(query)
    np.testing.assert_allclose(found.mean, expected.mean, atol=1e-6)


def test_values_are_warped_where_that_makes_them_more_probable() -> None:
    X = rows(40)
    smooth = np.sin(3 * X).sum(axis=1)
    assert fit_gaussian(X, np.exp(4 * smooth), ORDERED).warped
    assert not fit_gaussian(X, np.arcsinh(-np.sinh(smooth)), ORDERED).warped


def test_transformations_are_compared_by_the_density_of_the_values_themselves() -> None:
    naive_choices = 0
    for seed in range(12):
        X = rows(15, seed)
        y = np.random.default_rng(seed).gamma(2.0, size=15)
        plain, warped = (
            tuning._fit(X, y, ORDERED, warped=warped, noisy=False) for warped in (False, True)
        )
        gain = plain.tuned.loss - warped.tuned.loss
        expected = gain + warped.log_slope - plain.log_slope > 0
        assert fit_gaussian(X, y, ORDERED).warped == expected
        naive_choices += (gain > 0) != expected
    assert naive_choices > 0


@pytest.mark.parametrize(
    "y",
    [
        np.zeros(12),
        np.full(12, 1e300),
        np.repeat([1e300, -1e300], 6),
        np.arange(12) * 1e-300,
        np.append(np.arange(11.0), 1e300),
        np.repeat([1.0, 2.0], 6),
    ],
    ids=["zero", "huge", "both-huge", "tiny", "outlier", "ties"],
)
@pytest.mark.parametrize("repeated", [False, True])
def test_no_values_are_too_strange(y: FloatArray, repeated: bool) -> None:
    X = np.repeat(rows(3), 4, axis=0) if repeated else rows(12)
    found = fit_gaussian(X, y, ORDERED).process.predict(rows(5, seed=1))
    assert np.isfinite(found.mean).all()
    assert np.all(found.epistemic > 0)


def test_one_value_is_enough() -> None:
    found = fit_gaussian(rows(1), np.array([3.0]), ORDERED).process.predict(rows(5, seed=1))
    np.testing.assert_allclose(found.mean, 0, atol=1e-9)


def test_hyperparameters_are_fitted_anew_after_a_twentieth_at_most() -> None:
    sizes = [refit_size(count) for count in range(1, 5000)]
    assert sizes[:39] == list(range(1, 40))
    assert np.all(np.diff(sizes) >= 0)
    for count, size in enumerate(sizes, start=1):
        assert size <= count <= max(size * 1.055, size + 1)
    assert len({size for size in sizes if size >= 2000}) < 100


def test_of_many_trials_the_best_the_nearest_and_some_others_are_kept() -> None:
    X = rows(1000)
    X[::7, 1] = np.nan
    y = np.random.default_rng(2).permutation(1000.0 * np.arange(1000))
    kept = subset(X, y, 90)
    assert len(kept) == len(set(kept.tolist())) == 90
    assert np.all(np.diff(kept) > 0)
    assert set(np.argsort(y)[:30].tolist()) <= set(kept.tolist())
    full = np.where(np.isnan(X), -1.0, X)
    distance = np.linalg.norm(full - full[np.argmin(y)], axis=1)
    assert set(np.argsort(distance)[:30].tolist()) <= set(kept.tolist())
    assert kept.min() < 100
    assert kept.max() > 900
    np.testing.assert_array_equal(subset(X[:90], y[:90], 90), np.arange(90))


def test_a_large_table_is_thinned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tuning, "MAX_ROWS", 45)
    X = rows(200)
    found = fit_gaussian(X, bowl(X), ORDERED).process
    assert len(found.alpha) == 45
    assert np.argmin(bowl(X)) in subset(X, bowl(X), 45)


def test_labels_tell_where_the_classes_are() -> None:
    X = rows(80)
    fails = X[:, 1] > 0.6
    query = rows(200, seed=1)
    mean = fit_labels(X[~fails], X[fails], ORDERED).predict(query).mean
    clear = np.abs(query[:, 1] - 0.6) > 0.1
    right = (mean < 0) == (query[:, 1] > 0.6)
    assert right[clear].mean() > 0.97


@pytest.mark.parametrize(("ones", "others"), [(1, 0), (0, 1), (1, 1), (500, 3), (3, 500)])
def test_classes_of_any_size_make_labels(ones: int, others: int) -> None:
    found = fit_labels(rows(ones), rows(others, seed=1), ORDERED)
    assert len(found.alpha) <= 300
    assert np.isfinite(found.predict(rows(5, seed=2)).mean).all()
