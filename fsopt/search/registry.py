"""The optimizers by name, and how one is recorded in a study and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fsopt.errors import StudyError
from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.exploration import Exploration
from fsopt.search.quasirandom import SobolSearch
from fsopt.search.random import RandomSearch
from fsopt.surrogate import ForestOptions
from fsopt.values import Json

_ALL: tuple[type[Any], ...] = (BayesianOptimizer, RandomSearch, SobolSearch)

OPTIMIZERS: Mapping[str, type[Any]] = {optimizer.kind: optimizer for optimizer in _ALL}
"""Every optimizer that a study can record, by its `kind`. A new one is added in the line above."""

OPTIONS: Mapping[str, type[Any]] = {part.kind: part for part in (Exploration, ForestOptions)}
"""Every option of optimizers that has options itself, by its `kind`."""


def optimizer_to_json(optimizer: Optimizer) -> dict[str, Json]:
    """An optimizer as JSON: its kind and all of its options.

    Raises:
        StudyError: If it is not one of `OPTIMIZERS`, so that it could not be read back.
    """
    if type(optimizer) is not OPTIMIZERS.get(optimizer.kind):
        raise StudyError(
            f"{type(optimizer).__name__} can't be recorded in a study; known optimizers are "
            f"{', '.join(sorted(OPTIMIZERS))}"
        )
    return _to_json(optimizer)


def optimizer_from_json(data: object) -> Optimizer:
    """The optimizer that `optimizer_to_json` wrote.

    Raises:
        StudyError: If the kind or an option is unknown, or an option's value makes no sense.
    """
    optimizer: Optimizer = _from_json(data, "optimizer", OPTIMIZERS)
    return optimizer


def _to_json(options: Any) -> dict[str, Json]:
    values = {field.name: getattr(options, field.name) for field in fields(options)}
    is_part = {name: type(value) in OPTIONS.values() for name, value in values.items()}
    return {"kind": options.kind} | {
        name: _to_json(value) if is_part[name] else value for name, value in values.items()
    }


def _from_json(data: object, what: str, known: Mapping[str, type[Any]]) -> Any:
    """The object of one of the known kinds that this describes.

    Args:
        data: What `_to_json` made.
        what: What it is, for messages.
        known: Its class by kind.
    """
    kind = data.get("kind") if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(kind, str) or kind not in known:
        raise StudyError(
            f"unknown {what} {kind!r}; known are {', '.join(sorted(known))}. "
            "A newer fsopt may know it"
        )
    options = {name: value for name, value in data.items() if name != "kind"}
    allowed = [field.name for field in fields(known[kind])]
    unknown = sorted(str(name) for name in options if name not in allowed)
    if unknown:
        raise StudyError(
            f"{what} {kind!r} has no option {unknown[0]!r}; "
            f"its options are {', '.join(allowed) or 'none'}. A newer fsopt may know it"
        )
    values = {
        name: _from_json(value, name, OPTIONS) if isinstance(value, Mapping) else value
        for name, value in options.items()
    }
    return known[kind](**values)
