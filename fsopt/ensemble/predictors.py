"""Models of different kinds behind one method, and ensembles of them that predict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike

from fsopt.ensemble.aggregators import AGGREGATORS, Aggregate, Aggregator, check_weights
from fsopt.errors import PredictionError
from fsopt.predictions import Kind, Prediction

Load: TypeAlias = Callable[[], Any]


class Predictor(Protocol):
    """Predicts for new rows."""

    def predict(self, X: Any) -> Prediction:
        """What it says of the rows of X (n, ...)."""
        ...


@dataclass(frozen=True, slots=True)
class FunctionPredictor:
    """Any function of X.

    Args:
        function: Returns an array, or a pair of means and standard deviations.
    """

    function: Callable[[Any], Any]

    def predict(self, X: Any) -> Prediction:
        """See `Predictor.predict`."""
        return _prediction(self.function(X))


@dataclass(frozen=True, slots=True)
class SklearnPredictor:
    """A fitted model of scikit-learn, or of anything with its methods.

    Args:
        model: A classifier with ``predict_proba`` tells probabilities, a regressor whose
            ``predict`` takes ``return_std`` means and deviations, others values or classes.
    """

    model: Any

    def predict(self, X: Any) -> Prediction:
        """See `Predictor.predict`."""
        import inspect

        if hasattr(self.model, "predict_proba"):
            return Prediction.of(self.model.predict_proba(X))
        if "return_std" in inspect.signature(self.model.predict).parameters:
            return _prediction(self.model.predict(X, return_std=True))
        return _prediction(self.model.predict(X))


@dataclass(frozen=True, slots=True)
class TorchPredictor:
    """A module of PyTorch.

    Args:
        module: Returns probabilities, values, or a pair of means and deviations. What gives
            logits needs a softmax behind it.
        device: Where it computes.
        batch: How many rows at once.
    """

    module: Any
    device: str = "cpu"
    batch: int = 1024

    def predict(self, X: Any) -> Prediction:
        """See `Predictor.predict`; X is a tensor or an array."""
        import torch

        module = self.module.to(self.device).eval()
        rows = torch.as_tensor(X)
        if rows.is_floating_point():
            rows = rows.to(next(module.parameters(), rows).dtype)
        with torch.inference_mode():
            made = [module(part.to(self.device)) for part in rows.split(self.batch)]
        if isinstance(made[0], tuple):
            columns = zip(*made, strict=True)
            return _prediction(tuple(torch.cat(column).cpu().numpy() for column in columns))
        return _prediction(torch.cat(made).cpu().numpy())


@dataclass(frozen=True, slots=True)
class LoadedPredictor:
    """A model that is loaded where it predicts, and not kept: for many, or for large ones.

    Args:
        load: Returns a model that `as_predictor` knows. To be sent to other processes it must be
            importable, such as ``functools.partial(load_model, trial_number)``.
    """

    load: Load

    def predict(self, X: Any) -> Prediction:
        """See `Predictor.predict`."""
        return as_predictor(self.load()).predict(X)


def as_predictor(model: Any) -> Predictor:
    """A predictor that has the methods of one, or is made of a model or function.

    Raises:
        PredictionError: If it is nothing that predicts.
    """
    if isinstance(model, FunctionPredictor | SklearnPredictor | TorchPredictor | LoadedPredictor):
        return model
    if any(kind.__module__.startswith("torch.nn") for kind in type(model).__mro__):
        return TorchPredictor(model)
    if hasattr(model, "predict"):
        return SklearnPredictor(model)
    if callable(model):
        return FunctionPredictor(model)
    raise PredictionError(f"{model!r} has no method predict, and can't be called")


@dataclass(frozen=True, slots=True)
class EnsemblePredictor:
    """Predicts by several models.

    Args:
        members: Models, functions or predictors; see `as_predictor`.
        weights: (k,) Of each; equal unless given. Those of weight 0 are not asked.
        aggregator: Unless given, the one for the kind that the first member predicts.
        executor: Asks members at the same time: any of `concurrent.futures`, of
            ``mpi4py.futures``, of loky or of a Dask client; in turn, in this thread, unless given.
    """

    members: Sequence[Any]
    weights: ArrayLike | None = None
    aggregator: Aggregator | None = None
    executor: Executor | None = field(default=None, repr=False)

    def predict(self, X: Any) -> Aggregate:
        """What the ensemble says of the rows of X (n, ...), and how sure it is.

        Raises:
            PredictionError: If there are no members, or they don't fit together.
        """
        count = len(self.members)
        weights = check_weights(np.ones(count) if self.weights is None else self.weights)
        if len(weights) != count:
            raise PredictionError(f"there are {len(weights)} weights for {count} members")
        asked = [as_predictor(m) for m, w in zip(self.members, weights, strict=True) if w]
        if self.executor is None:
            made = [member.predict(X) for member in asked]
        else:
            made = list(self.executor.map(_predict, asked, [X] * len(asked)))
        kind: Kind = made[0].kind
        aggregator = self.aggregator or AGGREGATORS[kind]
        return aggregator.aggregate(made, weights[weights > 0])


def _predict(member: Predictor, X: Any) -> Prediction:
    return member.predict(X)


def _prediction(made: Any) -> Prediction:
    if isinstance(made, Prediction):
        return made
    return Prediction.of(*made) if isinstance(made, tuple) else Prediction.of(made)
