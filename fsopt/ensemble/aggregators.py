"""Making one prediction of several, with what is noise in it and what the members disagree on.

By the law of total variance, with weights w that make 1::

    Var[y] = sum w_k Var_k[y]        aleatoric: what every member says is noise
           + sum w_k (mu_k - mu)^2   epistemic: how much members differ, mu = sum w_k mu_k

(Egele et al., "AutoDEUQ: automated deep ensemble with uncertainty quantification", 2022, eqs. 6 to
8.) For entropies the parts are the expected entropy and the mutual information of class and member
(Depeweg et al., "Decomposition of uncertainty in Bayesian deep learning", 2018, eq. 3). The same
weights are in all terms, so the parts make the total, whatever the weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsopt.errors import PredictionError
from fsopt.predictions import Array, IntArray, Kind, Prediction

FloatArray: TypeAlias = NDArray[np.float64]

_ROUNDING = 1e-12
"""Shares that differ by less are equal."""


@dataclass(frozen=True, slots=True, eq=False)
class Aggregate:
    """The prediction of an ensemble; NaN in rows of which no member says anything.

    Attributes:
        prediction: (n,) Means; (n, c) probabilities; or (n,) classes, -1 for none.
        aleatoric: (n,) The part of the uncertainty that members themselves tell, a variance or
            an entropy.
        epistemic: (n,) The part that comes from members that differ, in the same units.
    """

    prediction: Array
    aleatoric: FloatArray
    epistemic: FloatArray

    @property
    def total(self) -> FloatArray:
        """(n,) The uncertainty as a whole."""
        return self.aleatoric + self.epistemic

    @property
    def std(self) -> FloatArray:
        """(n,) The standard deviation, where the uncertainty is a variance."""
        return np.sqrt(self.total)


class Aggregator(Protocol):
    """Makes one prediction of several."""

    @property
    def name(self) -> str:
        """As it is recorded."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of predictions that it takes."""
        ...

    def aggregate(
        self,
        predictions: Iterable[Prediction],
        weights: ArrayLike | None = None,
        rows: int | None = None,
    ) -> Aggregate:
        """The prediction of an ensemble.

        Args:
            predictions: Of each member; one after the other is taken, so they may come from a
                generator. They may be about different rows.
            weights: (k,) Of the members, not negative; equal unless given. In each row they count
                in proportion, among the members that say something of it.
            rows: How many rows there are; unless given, as far as the first member tells.

        Raises:
            PredictionError: If there are none, or they or the weights don't fit together.
        """
        ...


@dataclass(frozen=True, slots=True)
class Mean:
    """The weighted mean of numbers.

    A number without a deviation claims to be certain: the aleatoric part is 0 then, which says
    that nobody told of noise, not that there is none.
    """

    name: ClassVar[str] = "mean"
    kinds: ClassVar[tuple[Kind, ...]] = ("values", "normal")

    def aggregate(
        self,
        predictions: Iterable[Prediction],
        weights: ArrayLike | None = None,
        rows: int | None = None,
    ) -> Aggregate:
        """See `Aggregator.aggregate`."""
        moments = _Moments(rows)
        for prediction, weight in _weighted(predictions, weights, self.kinds):
            array = prediction.array
            if prediction.kind == "values":
                moments.add(prediction, weight, array[:, None], np.zeros(len(array)))
            else:
                moments.add(prediction, weight, array[:, :1], np.square(array[:, 1], dtype=float))
        return Aggregate(moments.means[:, 0], moments.within, moments.between)


@dataclass(frozen=True, slots=True)
class MixtureOfNormals:
    """The mean and the variance of a weighted mixture of normal distributions."""

    name: ClassVar[str] = "mixture-of-normals"
    kinds: ClassVar[tuple[Kind, ...]] = ("normal",)

    def aggregate(
        self,
        predictions: Iterable[Prediction],
        weights: ArrayLike | None = None,
        rows: int | None = None,
    ) -> Aggregate:
        """See `Aggregator.aggregate`."""
        wanted = (_of_kinds(prediction, self.kinds) for prediction in predictions)
        return Mean().aggregate(wanted, weights, rows)


@dataclass(frozen=True, slots=True)
class MixtureOfCategoricals:
    """The weighted mean of probabilities.

    Args:
        measure: ``"entropy"`` in nats, or ``"variance"``: that of the class as a unit vector,
            1 - sum p_c^2, which is also the chance that two draws differ.
    """

    measure: Literal["entropy", "variance"] = "entropy"

    name: ClassVar[str] = "mixture-of-categoricals"
    kinds: ClassVar[tuple[Kind, ...]] = ("probabilities",)

    def __post_init__(self) -> None:
        if self.measure not in ("entropy", "variance"):
            raise PredictionError(f'measure must be "entropy" or "variance", not {self.measure!r}')

    def aggregate(
        self,
        predictions: Iterable[Prediction],
        weights: ArrayLike | None = None,
        rows: int | None = None,
    ) -> Aggregate:
        """See `Aggregator.aggregate`."""
        moments = _Moments(rows)
        is_entropy = self.measure == "entropy"
        for prediction, weight in _weighted(predictions, weights, self.kinds):
            p = prediction.array.astype(np.float64, copy=False)
            own = entropy(p) if is_entropy else 1 - np.square(p).sum(axis=1)
            moments.add(prediction, weight, p, own)
        means, within = moments.means, moments.within
        between = np.maximum(entropy(means) - within, 0) if is_entropy else moments.between
        return Aggregate(means, within, between)


@dataclass(frozen=True, slots=True)
class Mode:
    """The class with most weight behind it, of equals the first.

    Each member is certain, so all uncertainty is epistemic: the variance 1 - sum s_c^2 of the
    shares s_c of the votes.
    """

    name: ClassVar[str] = "mode"
    kinds: ClassVar[tuple[Kind, ...]] = ("labels", "probabilities")

    def aggregate(
        self,
        predictions: Iterable[Prediction],
        weights: ArrayLike | None = None,
        rows: int | None = None,
    ) -> Aggregate:
        """See `Aggregator.aggregate`; probabilities vote for their most probable class."""
        votes = [_vote(_of_kinds(prediction, self.kinds)) for prediction in predictions]
        classes = 1 + max((int(vote.array.max()) for vote in votes), default=0)
        shares = MixtureOfCategoricals("variance").aggregate(
            (Prediction("probabilities", np.eye(classes)[v.array], v.index) for v in votes),
            weights,
            rows,
        )
        told = np.isfinite(shares.epistemic)
        labels = np.where(told, most_probable(shares.prediction.T)[1], -1)
        return Aggregate(labels, shares.aleatoric, shares.epistemic)


AGGREGATORS: Mapping[Kind, Aggregator] = {
    "values": Mean(),
    "normal": MixtureOfNormals(),
    "probabilities": MixtureOfCategoricals(),
    "labels": Mode(),
}
"""What aggregates predictions of each kind, unless told otherwise."""


def entropy(p: FloatArray) -> FloatArray:
    """(n,) The entropy of probabilities (n, c), in nats."""
    logarithms = np.log(p, out=np.zeros_like(p), where=p > 0)
    found: FloatArray = -(p * logarithms).sum(axis=1)
    return np.where(np.isnan(p).any(axis=1), np.nan, found)


def check_weights(weights: ArrayLike) -> FloatArray:
    """(k,) Weights that make 1, in these proportions.

    Raises:
        PredictionError: If one is negative or not finite, or all are 0.
    """
    given = np.asarray(weights, dtype=np.float64)
    if given.ndim != 1 or not np.isfinite(given).all() or (given < 0).any() or not given.any():
        raise PredictionError("weights must be a list of finite numbers, 0 or more, not all 0")
    made: FloatArray = given / given.sum()
    return made


def most_probable(shares: Array) -> tuple[Array, IntArray]:
    """(n,) The greatest of the shares (c, n) of classes in each row, and its class.

    Of classes that are equal but for rounding it is the first. It goes class by class, since
    NumPy's argmax over a short axis is much slower.
    """
    greatest, most = shares[0].copy(), np.zeros(shares.shape[1], dtype=np.int64)
    for label in range(1, len(shares)):
        more = shares[label] > greatest + _ROUNDING
        most[more] = label
        greatest[more] = shares[label][more]
    return greatest, most


def _weighted(
    predictions: Iterable[Prediction], weights: ArrayLike | None, kinds: Sequence[Kind]
) -> Iterator[tuple[Prediction, float]]:
    """Each prediction with its weight, but for those of weight 0.

    Raises:
        PredictionError: If there are not as many weights as predictions, or one is of another
            kind.
    """
    if weights is None:
        for prediction in predictions:
            yield _of_kinds(prediction, kinds), 1.0
        return
    given, count = check_weights(weights), 0
    for prediction in predictions:
        if count < len(given) and given[count]:
            yield _of_kinds(prediction, kinds), float(given[count])
        count += 1
    if count != len(given):
        raise PredictionError(f"there are {len(given)} weights for {count} members")


class _Moments:
    """Weighted means and variances over members that come one after the other.

    By West, "Updating mean and variance estimates: an improved method", 1979: no difference of
    large numbers, and no more memory than a few rows of numbers whatever the number of members.
    """

    def __init__(self, rows: int | None) -> None:
        self._rows = rows
        self._weight = np.zeros(0)
        self._means = np.zeros((0, 0))
        self._between = self._within = np.zeros(0)

    def add(
        self, prediction: Prediction, weight: float, means: Array, variances: FloatArray
    ) -> None:
        """Take in a member.

        Args:
            prediction: The rows that it is about.
            weight: More than 0.
            means: (n, q) What it says.
            variances: (n,) Its own uncertainty, over all q.
        """
        if not len(self._weight):
            self._begin(prediction, means.shape[1])
        if means.shape[1] != self._means.shape[1]:
            known = self._means.shape[1]
            raise PredictionError(f"members have {known} and {means.shape[1]} columns")
        rows = self._rows_of(prediction)
        self._weight[rows] += weight
        step = means - self._means[rows]
        self._means[rows] += step * (weight / self._weight[rows])[:, None]
        self._between[rows] += weight * (step * (means - self._means[rows])).sum(axis=1)
        self._within[rows] += weight * variances

    @property
    def means(self) -> FloatArray:
        """(n, q) The weighted means."""
        if not len(self._weight):
            raise PredictionError("an ensemble needs one member or more")
        return np.where(self._weight[:, None] > 0, self._means, np.nan)

    @property
    def within(self) -> FloatArray:
        """(n,) The weighted mean of the members' own uncertainties."""
        return self._scaled(self._within)

    @property
    def between(self) -> FloatArray:
        """(n,) The weighted variance of the members' means, over all q."""
        return self._scaled(self._between)

    def _scaled(self, sums: FloatArray) -> FloatArray:
        with np.errstate(invalid="ignore"):
            scaled: FloatArray = sums / self._weight
        return scaled

    def _begin(self, first: Prediction, columns: int) -> None:
        rows = self._rows
        if rows is None:
            rows = len(first.array) if first.index is None else int(first.index.max()) + 1
        self._weight, self._between, self._within = (np.zeros(rows) for _ in range(3))
        self._means = np.zeros((rows, columns))

    def _rows_of(self, prediction: Prediction) -> NDArray[np.int64] | slice:
        count = len(self._weight)
        if prediction.index is None:
            if len(prediction.array) != count:
                raise PredictionError(
                    f"a member tells of {len(prediction.array)} rows; there are {count}"
                )
            return slice(None)
        if len(prediction.index) and prediction.index.max() >= count:
            raise PredictionError(
                f"a member tells of row {prediction.index.max()}; there are {count} rows"
            )
        return prediction.index


def _of_kinds(prediction: Prediction, kinds: Sequence[Kind]) -> Prediction:
    if prediction.kind not in kinds:
        raise PredictionError(f"these are {prediction.kind}; wanted are {' or '.join(kinds)}")
    return prediction


def _vote(prediction: Prediction) -> Prediction:
    if prediction.kind == "labels":
        return prediction
    return Prediction("labels", prediction.array.argmax(axis=1), prediction.index)
