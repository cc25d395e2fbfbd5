"""The optimizers by name, and how one is recorded in a study and read back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from fsopt.errors import StudyError
from fsopt.search.base import Optimizer
from fsopt.search.bayesian import BayesianOptimizer
from fsopt.search.evolution import RegularizedEvolution
from fsopt.search.exploration import Exploration
from fsopt.search.grid import GridSearch
from fsopt.search.latin import LatinHypercubeSearch
from fsopt.search.nsga2 import NSGA2
from fsopt.search.objective import Tradeoff
from fsopt.search.quasirandom import HaltonSearch, SobolSearch
from fsopt.search.random import RandomSearch
from fsopt.surrogate import ForestOptions
from fsopt.values import Value

_ALL: tuple[type[Any], ...] = (
    NSGA2,
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

OPTIONS: Mapping[str, type[Any]] = {
    part.kind: part for part in (Exploration, ForestOptions, Tradeoff)
}
"""Every option of optimizers that has options itself, by its `kind`."""


def optimizer_to_json(optimizer: Optimizer) -> dict[str, Value]:
    """An optimizer as a flat JSON object: its kind and all of its options.

    An option that has options itself is recorded as these, such as ``"exploration.kappa"``.

    Raises:
        StudyError: If it is not one of `OPTIMIZERS`, so that it could not be read back.
    """
    if type(optimizer) is not OPTIMIZERS.get(optimizer.kind):
        raise StudyError(
            f"{type(optimizer).__name__} can't be recorded in a study; known optimizers are "
            f"{', '.join(sorted(OPTIMIZERS))}"
        )
    return _flat(optimizer)


def optimizer_from_json(data: object) -> Optimizer:
    """The optimizer that `optimizer_to_json` wrote.

    Raises:
        StudyError: If the kind or an option is unknown, or an option's value makes no sense.
    """
    given = data if isinstance(data, Mapping) else {}
    optimizer: Optimizer = _made("optimizer", given, OPTIMIZERS)
    return optimizer


def _flat(options: Any) -> dict[str, Value]:
    flat: dict[str, Value] = {"kind": options.kind}
    for field in fields(options):
        value = getattr(options, field.name)
        if type(value) in OPTIONS.values():
            flat |= {f"{field.name}.{name}": part for name, part in _flat(value).items()}
        else:
            flat[field.name] = value
    return flat


def _made(what: str, flat: Mapping[str, object], known: Mapping[str, type[Any]]) -> Any:
    """The object that `_flat` recorded.

    Args:
        what: What it is, for messages.
        flat: The record.
        known: The classes that it may have, by kind.
    """
    kind = flat.get("kind")
    if not isinstance(kind, str) or kind not in known:
        raise StudyError(
            f"unknown {what} {kind!r}; known are {', '.join(sorted(known))}. "
            "A newer fsopt may know it"
        )
    allowed = [field.name for field in fields(known[kind])]
    options: dict[str, object] = {}
    parts: dict[str, dict[str, object]] = {}
    for key, value in flat.items():
        name, dot, rest = key.partition(".")
        if name not in allowed and key != "kind":
            raise StudyError(
                f"{what} {kind!r} has no option {name!r}; "
                f"its options are {', '.join(allowed) or 'none'}. A newer fsopt may know it"
            )
        if dot:
            parts.setdefault(name, {})[rest] = value
        elif name != "kind":
            options[name] = value
    options |= {name: _made(name, part, OPTIONS) for name, part in parts.items()}
    return known[kind](**options)
