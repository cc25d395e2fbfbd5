"""The optimizers by name, and how one is recorded in a study and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fsopt.errors import StudyError
from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.evolution import RegularizedEvolution
from fsopt.search.grid import GridSearch
from fsopt.search.latin import LatinHypercubeSearch
from fsopt.search.quasirandom import HaltonSearch, SobolSearch
from fsopt.search.random import RandomSearch
from fsopt.values import Json

_ALL: tuple[type[Any], ...] = (
    BayesianOptimizer,
    GridSearch,
    HaltonSearch,
    LatinHypercubeSearch,
    RandomSearch,
    RegularizedEvolution,
    SobolSearch,
)

OPTIMIZERS: Mapping[str, type[Any]] = {optimizer.kind: optimizer for optimizer in _ALL}
"""Every optimizer that a study can record, by its `kind`. A new one is added above."""


def optimizer_to_json(optimizer: Optimizer) -> dict[str, Json]:
    """An optimizer as JSON: its kind and all of its options.

    Raises:
        StudyError: If it is not one of `OPTIMIZERS`, so that it could not be read back.
    """
    kind = optimizer.kind
    if type(optimizer) is not OPTIMIZERS.get(kind):
        raise StudyError(
            f"{type(optimizer).__name__} can't be recorded in a study; known optimizers are "
            f"{', '.join(sorted(OPTIMIZERS))}"
        )
    options = {field.name: getattr(optimizer, field.name) for field in fields(OPTIMIZERS[kind])}
    return {"kind": kind, **options}


def optimizer_from_json(data: object) -> Optimizer:
    """The optimizer that `optimizer_to_json` wrote.

    Raises:
        StudyError: If the kind or an option is unknown, or an option's value makes no sense.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(kind, str) or kind not in OPTIMIZERS:
        raise StudyError(
            f"unknown optimizer {kind!r}; known are {', '.join(sorted(OPTIMIZERS))}. "
            "A newer fsopt may know it"
        )
    options = {name: value for name, value in data.items() if name != "kind"}
    allowed = [field.name for field in fields(OPTIMIZERS[kind])]
    unknown = sorted(str(name) for name in options if name not in allowed)
    if unknown:
        raise StudyError(
            f"optimizer {kind!r} has no option {unknown[0]!r}; "
            f"its options are {', '.join(allowed) or 'none'}. A newer fsopt may know it"
        )
    optimizer: Optimizer = OPTIMIZERS[kind](**options)
    return optimizer
