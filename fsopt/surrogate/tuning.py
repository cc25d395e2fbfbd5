"""A Gaussian process for a growing table of trials, at a bounded cost.

Hyperparameters are fitted to the first trials only: to all of a few, then to a number of them
that grows in steps of up to a twentieth, so that most trials that end change the data but not the
hyperparameters. Each fit begins where that to about 0.7 times as many trials ended, and that one
in turn likewise, down to a small one. So the result depends on the trials alone and not on what
was fitted before, and yet costs little more than one step of a search that remembers: a process
that has fitted the smaller tables before finds them in a cache, and one that has not fits all of
them in about twice the time of the last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray
from fsopt.surrogate.evidence import Evidence, Prior, Tuned
from fsopt.surrogate.gaussian import GaussianProcess, condition
from fsopt.surrogate.kernel import Hyperparameters
from fsopt.surrogate.transforms import Scaled, standardise, warp

MAX_ROWS = 300
"""No more trials than this are in one Gaussian process, whose cost grows with their cube."""

_MAX_TUNED = 200  # trials that hyperparameters are fitted to
_FIRST = 40  # up to so many trials each fit begins from nothing
_GROWTH = 2**0.5  # from one fit to the next in a chain
_ITERATIONS, _MORE_ITERATIONS = 60, 25
_PART_ITERATIONS = 15
_STARTS = 2
_REMEMBERED = 64  # fits
_LABELS = 120  # configurations of both classes, to which the hyperparameters of labels are fitted
_LABEL_ITERATIONS = 20


@dataclass(frozen=True, slots=True)
class Model:
    """A Gaussian process of transformed values."""

    process: GaussianProcess
    warped: bool
    """Whether values were made more symmetric, not only standardised."""


def fit_gaussian(
    X: FloatArray,
    y: FloatArray,
    categorical: BoolArray,
    *,
    noisy: bool = False,
    rows: NDArray[np.intp] | None = None,
) -> Model:
    """Fit a Gaussian process to values or to warped values, whichever are more probable.

    The densities of the values themselves are compared, that is, with the derivative of the
    transformation.

    Args:
        X: (n, d) Unit rows in the order of the trials, NaN where inactive; n >= 1.
        y: (n,) Their values, finite, to be minimised.
        categorical: (d,) Which parameters are categories; the others have an order.
        noisy: Whether noise is expected, and not only possible.
        rows: (k,) Which trials the process sees; by default a `subset` of `MAX_ROWS`.
    """
    size = refit_size(len(X))
    fits = [
        _fit(X[:size], y[:size], categorical, warped=warped, noisy=noisy)
        for warped in (False, True)
    ]
    kept = subset(X, y, MAX_ROWS) if rows is None else rows
    return _more_probable(fits, X[kept], y[kept], categorical)


def fit_part(
    X: FloatArray, y: FloatArray, categorical: BoolArray, whole: Model, *, noisy: bool = False
) -> Model:
    """Fit a Gaussian process to some of the trials, beginning with what fits all of them.

    Args:
        X: (n, d) Unit rows, NaN where inactive; n >= 1.
        y: (n,) Their values, finite, to be minimised.
        categorical: (d,) Which parameters are categories; the others have an order.
        whole: What `fit_gaussian` made of all.
        noisy: As for `fit_gaussian`.
    """
    start = whole.process.hyper.to_vector()
    fits = []
    for warped in (False, True):
        scaled = _scaled(y, warped=warped)
        evidence = Evidence(X, scaled.z, categorical, noisy=noisy)
        found = evidence.minimise([start], _PART_ITERATIONS)
        fits.append(_Fit(found, scaled.log_slope))
    return _more_probable(fits, X, y, categorical)


def fit_labels(X: FloatArray, X_other: FloatArray, categorical: BoolArray) -> GaussianProcess:
    """Fit a Gaussian process to two classes: 1 for some configurations and -1 for the others.

    Where the classes meet it expects values between, and far from all data what is usual.

    Args:
        X: (n, d) Unit rows of the first class, NaN where inactive.
        X_other: (k, d) Those of the second; not both are empty.
        categorical: (d,) Which parameters are categories; the others have an order.
    """
    thinned = [
        rows[_evenly(np.arange(len(rows)), limit)]
        for limit in (_LABELS // 2, MAX_ROWS // 2)
        for rows in (X, X_other)
    ]
    few, most = np.concatenate(thinned[:2]), np.concatenate(thinned[2:])
    few_z, most_z = (
        np.repeat([1.0, -1.0], [len(ones), len(others)])
        for ones, others in (thinned[:2], thinned[2:])
    )
    fitted = _tuned_labels(_Table.of(few, few_z, categorical))
    return condition(most, most_z, categorical, Hyperparameters.from_vector(fitted.vector))


def refit_size(count: int) -> int:
    """How many of ``count`` trials, at most, the hyperparameters are fitted to."""
    if count < _FIRST:
        return count
    step = 2 if count < 80 else 4 if count < 160 else 8
    while step * 40 <= count:
        step *= 2
    return count - count % step


def subset(X: FloatArray, y: FloatArray, limit: int) -> NDArray[np.intp]:
    """The most useful trials where there are too many.

    A third are the best, a third those nearest to the best one, the others evenly spaced in time.

    Args:
        X: (n, d) Unit rows, NaN where inactive.
        y: (n,) Their values, to be minimised.
        limit: How many to keep.

    Returns:
        (min(n, limit),) Their indices, ascending.
    """
    if len(X) <= limit:
        return np.arange(len(X))
    kept = np.zeros(len(X), dtype=np.bool_)
    kept[np.argpartition(y, limit // 3)[: limit // 3]] = True
    full = np.where(np.isnan(X), -1.0, X)
    distance = ((full - full[np.argmin(y)]) ** 2).sum(axis=1)
    distance[kept] = np.inf
    kept[np.argpartition(distance, limit // 3)[: limit // 3]] = True
    rest = np.flatnonzero(~kept)
    kept[_evenly(rest, limit - int(kept.sum()))] = True
    return np.flatnonzero(kept)


def _more_probable(
    fits: Sequence[_Fit], X: FloatArray, y: FloatArray, categorical: BoolArray
) -> Model:
    """The Gaussian process of values or of warped values, whichever fits better, given data."""
    scores = [fit.tuned.loss - fit.log_slope for fit in fits]
    warped = scores[1] < scores[0]
    hyper = Hyperparameters.from_vector(fits[warped].tuned.vector)
    return Model(condition(X, _scaled(y, warped=warped).z, categorical, hyper), warped)


@dataclass(frozen=True, slots=True)
class _Fit:
    tuned: Tuned
    log_slope: float


@dataclass(frozen=True, slots=True)
class _Table:
    """Trials in a form that can be looked up."""

    points: bytes
    values: bytes
    categorical: tuple[bool, ...]

    @classmethod
    def of(cls, X: FloatArray, y: FloatArray, categorical: BoolArray) -> _Table:
        return cls(X.tobytes(), y.tobytes(), tuple(categorical.tolist()))

    def arrays(self) -> tuple[FloatArray, FloatArray, BoolArray]:
        y = np.frombuffer(self.values)
        X = np.frombuffer(self.points).reshape(len(y), -1)
        return X, y, np.array(self.categorical)


def _fit(
    X: FloatArray, y: FloatArray, categorical: BoolArray, *, warped: bool, noisy: bool
) -> _Fit:
    """Fit hyperparameters to trials, of which only the most useful count if there are many."""
    if len(X) <= _MAX_TUNED:
        return _tuned(_Table.of(X, y, categorical), None, warped, noisy)
    kept = subset(X, y, _MAX_TUNED)
    first = _Table.of(X[:_MAX_TUNED], y[:_MAX_TUNED], categorical)
    return _tuned(_Table.of(X[kept], y[kept], categorical), first, warped, noisy)


@lru_cache(maxsize=_REMEMBERED)
def _tuned(table: _Table, before: _Table | None, warped: bool, noisy: bool) -> _Fit:
    """Fit from where the fit to another table ended, by default to the first of these trials."""
    X, y, categorical = table.arrays()
    scaled = _scaled(y, warped=warped)
    evidence = Evidence(X, scaled.z, categorical, noisy=noisy)
    fewer = _rung_below(len(X))
    if before is None and fewer is None:
        starts = Prior.of(X.shape[1], noisy=noisy).starts(_STARTS)
        return _Fit(evidence.minimise(starts, _ITERATIONS), scaled.log_slope)
    start = _tuned(before or _Table.of(X[:fewer], y[:fewer], categorical), None, warped, noisy)
    found = evidence.minimise([start.tuned.vector], _MORE_ITERATIONS)
    return _Fit(found, scaled.log_slope)


@lru_cache(maxsize=_REMEMBERED)
def _tuned_labels(table: _Table) -> Tuned:
    X, z, categorical = table.arrays()
    starts = Prior.of(X.shape[1]).starts(1)
    return Evidence(X, z, categorical).minimise(starts, _LABEL_ITERATIONS)


def _rung_below(count: int) -> int | None:
    """The largest of 40, 56, 80, 113, ... below a number of trials, if there is one."""
    rung, size = None, float(_FIRST)
    while int(size) < count:
        rung, size = int(size), size * _GROWTH
    return rung


def _scaled(y: FloatArray, *, warped: bool) -> Scaled:
    return warp(y) if warped else standardise(y)


def _evenly(indices: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """At most ``count`` of the indices, evenly spaced."""
    if len(indices) <= count:
        return indices
    chosen: NDArray[np.intp] = indices[np.linspace(0, len(indices) - 1, count).astype(np.intp)]
    return chosen
