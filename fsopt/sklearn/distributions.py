"""What scikit-learn's searches take for a space, as a space of fsopt, and back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsopt.errors import SpaceError
from fsopt.space import Categorical, Float, Int, Ordinal, Space
from fsopt.space.parameters import Parameter
from fsopt.space.shortcuts import parameters_from
from fsopt.values import Params, identity, to_value

_CONTINUOUS = {"uniform": False, "loguniform": True, "reciprocal": True}
"""Whether these distributions of SciPy's are even on a logarithmic scale."""


@dataclass(frozen=True)
class Translation:
    """A space, and what its configurations mean for an estimator.

    Attributes:
        space: The space.
        objects: By parameter whose choices are no plain values: what each label stands for.
    """

    space: Space
    objects: Mapping[str, Mapping[str, Any]]

    def decode(self, params: Params) -> dict[str, Any]:
        """The estimator's parameters; those that are inactive are left as they are."""
        return {
            name: self.objects[name][str(value)] if name in self.objects else value
            for name, value in params.items()
        }


def translation(given: Space | Mapping[str, Any]) -> Translation:
    """A space from one, or from what `sklearn.model_selection.RandomizedSearchCV` takes.

    Args:
        given: A space; or by name a list of values, a `scipy.stats` distribution (``uniform``,
            ``loguniform``, ``randint``), a parameter such as `fsopt.Float`, or a short form such
            as ``(1e-3, 1e3, "log-uniform")``. Values that are numbers have an order.

    Raises:
        SpaceError: If a distribution can't be understood.
    """
    if isinstance(given, Space):
        return Translation(given, {})
    if not isinstance(given, Mapping):
        raise SpaceError(
            "param_distributions must be a fsopt.Space or a dictionary; instead of a list of "
            "dictionaries, give a fsopt.Space with conditions"
        )
    parameters: list[Parameter] = []
    objects: dict[str, Mapping[str, Any]] = {}
    for name, what in given.items():
        if hasattr(what, "rvs"):
            parameters.append(_from_distribution(name, what))
        elif isinstance(what, list | np.ndarray):
            parameter, labels = _from_choices(name, list(what))
            parameters.append(parameter)
            if labels:
                objects[name] = labels
        else:
            parameters += parameters_from([{name: what}])
    return Translation(Space(*parameters), objects)


def _from_distribution(name: str, distribution: Any) -> Parameter:
    kind = getattr(getattr(distribution, "dist", None), "name", type(distribution).__name__)
    if kind == "randint":
        low, high = distribution.support()
        return Int(name, int(low), int(high))
    if kind in _CONTINUOUS:
        low, high = distribution.support()
        return Float(name, float(low), float(high), log=_CONTINUOUS[kind])
    raise SpaceError(
        f"{name!r} is drawn from the distribution {kind}; known are uniform, loguniform and "
        "randint of scipy.stats, lists, and parameters such as fsopt.Float"
    )


def _from_choices(name: str, choices: Sequence[Any]) -> tuple[Parameter, Mapping[str, Any]]:
    try:
        values = [to_value(choice) for choice in choices]
    except SpaceError:
        labels = {f"{at}: {choice!r}": choice for at, choice in enumerate(choices)}
        return Categorical(name, list(labels)), labels
    values = list({identity(value): value for value in values}.values())
    numbers = [value for value in values if type(value) in (int, float)]
    if len(numbers) == len(values) > 1:
        return Ordinal(name, _ascending(numbers)), {}
    return Categorical(name, values), {}


def _ascending(numbers: Iterable[Any]) -> list[Any]:
    found: list[Any] = sorted(numbers)
    return found
