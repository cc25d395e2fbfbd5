"""The objectives of a study and the limits of what else is reported; what counts as a result.

Values are stored as the user reported them. Inside, everything is minimised;
`Objectives.to_minimise` is the one place where signs flip.
"""

from __future__ import annotations

import math
import numbers
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError

_LIMIT = re.compile(r"(<=|>=)\s*(\S+)")


class Direction(StrEnum):
    """What is better in an objective."""

    MINIMIZE = "minimize"
    MAXIMIZE = "maximize"


@dataclass(frozen=True, slots=True)
class Failure:
    """What an objective returns, or a caller tells, when a trial has no value.

    Args:
        reason: Why, in a few words; trials are counted by it.
    """

    reason: str


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value must not exceed, or fall below."""

    sign: float
    """1 if it must not exceed the bound, -1 if it must not fall below."""
    bound: float

    @classmethod
    def of(cls, name: str, given: object) -> Limit:
        """Read what a user wrote, such as ``"<= 16"``.

        Raises:
            StudyError: If it is no limit.
        """
        match = _LIMIT.fullmatch(given.strip()) if isinstance(given, str) else None
        try:
            bound = float(match[2]) if match else math.nan
        except ValueError:
            bound = math.nan
        if match is None or not math.isfinite(bound):
            raise StudyError(
                f'the limit of {name!r} must be such as "<= 16" or ">= 0.8", not {given!r}'
            )
        return cls(1.0 if match[1] == "<=" else -1.0, bound)


@dataclass(frozen=True, slots=True)
class Objectives:
    """What is reported of a trial, in a fixed order: ``m`` objectives, then other outcomes.

    Limits may concern objectives as well: they say which part of the front is of interest.
    """

    directions: Mapping[str, Direction]
    limits: Mapping[str, Limit] = field(default_factory=dict)

    @classmethod
    def of(cls, given: object, limits: object = None) -> Objectives:
        """Read what a user wrote.

        Args:
            given: Such as ``{"accuracy": "maximize"}``.
            limits: Such as ``{"memory_gb": "<= 16"}``, or None.

        Raises:
            StudyError: If there is no objective, a direction is not one of the two, or a limit is
                none.
        """
        if not isinstance(given, Mapping) or not given:
            raise StudyError(
                "objectives must map at least one name to a direction, "
                f'such as {{"accuracy": "maximize"}}; got {given!r}'
            )
        for name, direction in given.items():
            if not isinstance(name, str) or not name or not name.isprintable():
                raise StudyError(f"an objective's name must be a printable string, not {name!r}")
            if direction not in list(Direction):
                raise StudyError(
                    f"objective {name!r}: the direction is {direction!r}; "
                    'it must be "minimize" or "maximize"'
                )
        directions = {name: Direction(direction) for name, direction in given.items()}
        if limits is None:
            return cls(directions)
        if not isinstance(limits, Mapping):
            raise StudyError(
                f'constraints_on must map names to limits, such as {{"memory_gb": "<= 16"}}; '
                f"got {limits!r}"
            )
        for name in limits:
            if not isinstance(name, str) or not name or not name.isprintable():
                raise StudyError(f"an outcome's name must be a printable string, not {name!r}")
        return cls(directions, {name: Limit.of(name, limit) for name, limit in limits.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """What is reported: the objectives, then the other outcomes that have limits."""
        return (*self.directions, *(name for name in self.limits if name not in self.directions))

    def __len__(self) -> int:
        """How many values are reported."""
        return len(self.names)

    @property
    def are_several(self) -> bool:
        """Whether there is more than one objective."""
        return len(self.directions) > 1

    def to_minimise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Flip the sign of what is to be maximised.

        Args:
            values: (n, m) as reported, or with the other outcomes in further columns.

        Returns:
            (n, m) where smaller is better.
        """
        signs = [-1.0 if d is Direction.MAXIMIZE else 1.0 for d in self.directions.values()]
        flipped: NDArray[np.float64] = values[:, : len(signs)] * np.array(signs)
        return flipped

    def excess(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """By how much values exceed the limits; what is not positive keeps them.

        Args:
            values: (n, len(self)) as reported.

        Returns:
            (n, c) For each of the c limits.
        """
        names = self.names
        columns = [
            limit.sign * (values[:, names.index(name)] - limit.bound)
            for name, limit in self.limits.items()
        ]
        return np.column_stack(columns) if columns else np.empty((len(values), 0))

    def are_allowed(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """(n,) Which trials with values (n, len(self)) keep all limits."""
        allowed: NDArray[np.bool_] = np.all(self.excess(values) <= 0, axis=1)
        return allowed

    def read(self, result: object) -> tuple[float, ...] | Failure:
        """The values that an objective's result stands for, or why it is none.

        A number, or a sequence or mapping with one number for each objective; all finite.
        """
        if isinstance(result, Failure):
            return result
        if isinstance(result, Mapping):
            if set(result) != set(self.names):
                return Failure(
                    f"returned the keys {_listed(result)}; "
                    f"the study's objectives are {_listed(self.names)}"
                )
            items = [result[name] for name in self.names]
        elif isinstance(result, Sequence | np.ndarray) and not isinstance(result, str | bytes):
            if isinstance(result, np.ndarray) and result.ndim != 1:
                items = [result]
            else:
                items = list(result)
        else:
            items = [result]
        if len(items) != len(self):
            return Failure(
                f"returned {len(items)} values; the study has {len(self)} "
                f"objective{'s' if len(self) > 1 else ''} ({_listed(self.names)})"
            )
        values = []
        for name, item in zip(self.names, items, strict=True):
            value = _number(item)
            if value is None:
                return Failure(f"returned {_described(item)} for {name}; a number is expected")
            if not math.isfinite(value):
                return Failure(f"returned {value} for {name}")
            values.append(value)
        return tuple(values)

    def read_if_any(self, result: object) -> tuple[float, ...] | Failure | None:
        """As `read`, of somebody who need not have a result: None if that is no values."""
        values = self.read(result)
        return None if isinstance(values, Failure) and values is not result else values


def _number(item: object) -> float | None:
    if getattr(item, "shape", None) == () and hasattr(item, "item"):
        item = item.item()
    if isinstance(item, bool | np.bool_) or not isinstance(item, numbers.Real):
        return None
    try:
        return float(item)
    except OverflowError:
        return math.inf


def _described(item: object) -> str:
    if isinstance(item, np.ndarray):
        return f"an array of shape {item.shape}"
    return "None" if item is None else f"{str(item)[:40]!r} ({type(item).__name__})"


def _listed(names: object) -> str:
    return ", ".join(map(str, names)) if isinstance(names, Mapping | tuple) else str(names)
