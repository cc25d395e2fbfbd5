"""How wrong predictions are; less is better.

A loss of an ensemble is a function of the weighted means, over its members, of some numbers for
each row: its `statistics`. So a selector that adds or changes one member needs one addition a row,
and never the members again. Where members say nothing of a row, it is left out of the means.

For deviations the statistics are taken around the true values: so the variance of a mixture is no
difference of large numbers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Protocol

import numpy as np

from fsopt.ensemble.aggregators import most_probable
from fsopt.errors import PredictionError
from fsopt.predictions import Array, Kind, Prediction

_LEAST = float(np.finfo(np.float64).eps)
"""The least probability: a class that was said to be impossible costs 36 nats, not infinity."""


class Loss(Protocol):
    """A loss, of one model as of an ensemble.

    With n rows, and s statistics a row.
    """

    @property
    def name(self) -> str:
        """As on the command line."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of predictions that it is a loss of."""
        ...

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(s, n) What has to be averaged over members.

        Args:
            y: (n,) The true values of the rows that the prediction is about.
            prediction: Of one member.
        """
        ...

    def of_means(self, y: Array, means: Array) -> float:
        """The mean loss.

        Args:
            y: (n,) The true values.
            means: (s, n) The weighted means of the members' statistics.
        """
        ...


@dataclass(frozen=True, slots=True)
class SquaredError:
    """The mean of (y - mean)^2."""

    name: ClassVar[str] = "squared"
    kinds: ClassVar[tuple[Kind, ...]] = ("values", "normal")

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(1, n) The errors."""
        return _errors(y, prediction)[None]

    def of_means(self, y: Array, means: Array) -> float:
        """The mean square of the errors' means."""
        return float(np.mean(np.square(means[0])))


@dataclass(frozen=True, slots=True)
class AbsoluteError:
    """The mean of abs(y - mean)."""

    name: ClassVar[str] = "absolute"
    kinds: ClassVar[tuple[Kind, ...]] = ("values", "normal")

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(1, n) The errors."""
        return _errors(y, prediction)[None]

    def of_means(self, y: Array, means: Array) -> float:
        """The mean absolute value of the errors' means."""
        return float(np.mean(np.abs(means[0])))


@dataclass(frozen=True, slots=True)
class NormalNLL:
    """The negative logarithm of the density at y, in nats.

    Of an ensemble it is that of the normal distribution with the mixture's mean and variance, as
    in AutoDEUQ (Egele et al., 2022).
    """

    name: ClassVar[str] = "nll"
    kinds: ClassVar[tuple[Kind, ...]] = ("normal",)

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(2, n) The first and second moment around y."""
        return _moments(y, prediction)

    def of_means(self, y: Array, means: Array) -> float:
        """The mean, with the variance of the mixture."""
        variance = _variance(means)
        losses = np.log(variance) + np.square(means[0]) / variance
        return 0.5 * (float(np.mean(losses)) + math.log(2 * math.pi))


@dataclass(frozen=True, slots=True)
class ZeroOne:
    """The share of rows whose class is another than the most probable, or most voted for."""

    name: ClassVar[str] = "zero-one"
    kinds: ClassVar[tuple[Kind, ...]] = ("probabilities", "labels")

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(c, n) The probabilities; classes are probabilities of 0 and 1."""
        if prediction.kind == "labels":
            classes = 1 + max(int(_classes(y).max(initial=0)), int(prediction.array.max()))
            prediction = votes(prediction, classes)
        return _probabilities(y, prediction).T

    def of_means(self, y: Array, means: Array) -> float:
        """The share of errors; of equal classes the first counts."""
        return float(np.mean(most_probable(means)[1] != y))


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """The mean of -log p(y), in nats; a probability below 2.2e-16 counts as that."""

    name: ClassVar[str] = "cross-entropy"
    kinds: ClassVar[tuple[Kind, ...]] = ("probabilities",)

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(1, n) The probabilities of the true classes."""
        chosen: Array = _probabilities(y, prediction)[np.arange(len(y)), y]
        return chosen[None]

    def of_means(self, y: Array, means: Array) -> float:
        """The mean of the negative logarithms."""
        return -float(np.mean(np.log(np.maximum(means[0], _LEAST))))


@dataclass(frozen=True, slots=True)
class CalibrationError:
    """How far the probability of the most probable class is from how often it is the true one.

    Over equally wide bins of that probability (the expected calibration error; Guo et al., "On
    calibration of modern neural networks", 2017, eq. 3).

    Args:
        bins: How many.
    """

    bins: int = 15

    name: ClassVar[str] = "calibration"
    kinds: ClassVar[tuple[Kind, ...]] = ("probabilities",)

    def __post_init__(self) -> None:
        _check_bins(self.bins)

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(c, n) The probabilities."""
        return _probabilities(y, prediction).T

    def of_means(self, y: Array, means: Array) -> float:
        """The mean, over rows, of their bin's distance."""
        claimed, most = most_probable(means)
        bins = np.minimum((claimed * self.bins).astype(np.int64), self.bins - 1)
        excess = np.bincount(bins, weights=(most == y) - claimed.astype(np.float64))
        return float(np.abs(excess).sum() / len(y))


@dataclass(frozen=True, slots=True)
class QuantileError:
    """How far predicted quantiles are from the share of true values below them.

    The mean over equally spaced levels of the absolute difference (after Kuleshov et al.,
    "Accurate uncertainties for deep learning using calibrated regression", 2018, eq. 9).

    Args:
        bins: One more than levels.
    """

    bins: int = 20

    name: ClassVar[str] = "quantiles"
    kinds: ClassVar[tuple[Kind, ...]] = ("normal",)

    def __post_init__(self) -> None:
        _check_bins(self.bins)

    def statistics(self, y: Array, prediction: Prediction) -> Array:
        """(2, n) The first and second moment around y."""
        return _moments(y, prediction)

    def of_means(self, y: Array, means: Array) -> float:
        """The mean, with the quantiles of a normal distribution with the mixture's variance."""
        levels = np.arange(1, self.bins) / self.bins
        quantiles = [NormalDist().inv_cdf(level) for level in levels.tolist()]
        standardised = np.sort(-means[0] / np.sqrt(_variance(means)))
        below = np.searchsorted(standardised, quantiles, side="right") / len(standardised)
        return float(np.mean(np.abs(below - levels)))


def losses_of(kind: Kind) -> list[Loss]:
    """The losses that predictions of a kind have, the default first."""
    return [loss for loss in LOSSES.values() if kind in loss.kinds]


def loss_of(loss: Loss, y: Array, prediction: Prediction) -> float:
    """The mean loss of one model, over the rows that it tells of.

    Args:
        loss: Which.
        y: (n,) The true values of all rows.
        prediction: What the model says.

    Raises:
        PredictionError: If these don't fit together.
    """
    known = true_values(loss, y, prediction)
    return loss.of_means(known, loss.statistics(known, prediction))


def true_values(loss: Loss, y: Array, prediction: Prediction) -> Array:
    """The true values of the rows that a prediction is about.

    Raises:
        PredictionError: If the prediction fits neither the loss nor the true values.
    """
    if prediction.kind not in loss.kinds:
        raise PredictionError(
            f"the loss {loss.name} is one of {' or '.join(loss.kinds)}, not of {prediction.kind}"
        )
    if prediction.index is None:
        if len(prediction.array) != len(y):
            raise PredictionError(
                f"there are {len(prediction.array)} predictions for {len(y)} true values"
            )
        return y
    if len(prediction.index) and prediction.index.max() >= len(y):
        raise PredictionError(
            f"a prediction for row {prediction.index.max()}, but there are {len(y)} true values"
        )
    known: Array = y[prediction.index]
    return known


def votes(prediction: Prediction, classes: int) -> Prediction:
    """Classes as probabilities of 0 and 1, of so many classes."""
    certain = np.eye(classes, dtype=np.float32)[prediction.array]
    return Prediction("probabilities", certain, prediction.index)


def _check_bins(bins: int) -> None:
    if bins < 2:
        raise PredictionError(f"bins must be 2 or more, not {bins}")


def _errors(y: Array, prediction: Prediction) -> Array:
    means = prediction.array if prediction.kind == "values" else prediction.array[:, 0]
    errors: Array = means - y
    return errors


def _moments(y: Array, prediction: Prediction) -> Array:
    errors = _errors(y, prediction)
    return np.stack([errors, np.square(prediction.array[:, 1]) + np.square(errors)])


def _variance(means: Array) -> Array:
    """(n,) Of a mixture, from its moments around the true values; positive despite rounding."""
    least = np.finfo(means.dtype).tiny
    variance: Array = np.maximum(means[1] - np.square(means[0]), least)
    return variance


def _classes(y: Array) -> Array:
    if not np.issubdtype(y.dtype, np.integer) or (y < 0).any():
        raise PredictionError("true classes must be integers, counted from 0")
    return y


def _probabilities(y: Array, prediction: Prediction) -> Array:
    highest, columns = int(_classes(y).max(initial=0)), prediction.array.shape[1]
    if highest >= columns:
        raise PredictionError(f"there is a true class {highest}, but {columns} probabilities")
    return prediction.array


LOSSES: Mapping[str, Loss] = {
    loss.name: loss
    for loss in (
        CrossEntropy(),
        ZeroOne(),
        NormalNLL(),
        SquaredError(),
        AbsoluteError(),
        CalibrationError(),
        QuantileError(),
    )
}
"""Every loss by its name; of those that fit predictions of a kind, the first is the default."""
