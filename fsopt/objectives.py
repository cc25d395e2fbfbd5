"""The objectives of a study: their names and directions, and what counts as a result.

Values are stored as the user reported them. Inside, everything is minimised;
`Objectives.to_minimise` is the one place where signs flip.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError


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
class Objectives:
    """Names and directions of the ``m`` objectives, in a fixed order."""

    directions: Mapping[str, Direction]

    @classmethod
    def of(cls, given: object) -> Objectives:
        """Read what a user wrote, such as ``{"accuracy": "maximize"}``.

        Raises:
            StudyError: If there is none, or a direction is not one of the two.
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
        return cls({name: Direction(direction) for name, direction in given.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """The objectives in order."""
        return tuple(self.directions)

    def __len__(self) -> int:
        return len(self.directions)

    def to_minimise(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Flip the sign of what is to be maximised.

        Args:
            values: (n, m) as reported.

        Returns:
            (n, m) where smaller is better.
        """
        signs = [-1.0 if d is Direction.MAXIMIZE else 1.0 for d in self.directions.values()]
        flipped: NDArray[np.float64] = values * np.array(signs)
        return flipped

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
