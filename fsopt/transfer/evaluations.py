"""What was evaluated in some study, of fsopt or of another tool."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import PriorError
from fsopt.objectives import Objectives
from fsopt.space import Categorical, Constant, Float, Int, Parameter, Space
from fsopt.values import identity, to_value


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluations:
    """The n trials of a study that have values."""

    name: str
    """Where they came from."""
    objectives: Mapping[str, str]
    """The m objectives with their directions there."""
    configurations: Sequence[Mapping[str, object]]
    """Of each trial the values by the names of parameters; in tables these may be texts."""
    values: Sequence[Sequence[float]]
    """Of each trial, as it was reported there; finite."""
    space: Space | None = None
    """In which they were searched, if that is known."""

    @property
    def to_minimise(self) -> NDArray[np.float64]:
        """(n, m) The values where smaller is better."""
        values = np.array(self.values, dtype=np.float64).reshape(-1, len(self.objectives))
        return Objectives.of(self.objectives).to_minimise(values)

    def likely_space(self) -> Space:
        """The space in which they were searched, or the smallest that holds them.

        Raises:
            PriorError: If there is none in which every parameter is always active.
        """
        if self.space is not None:
            return self.space
        names = list(dict.fromkeys(name for one in self.configurations for name in one))
        if not names:
            raise PriorError(f"{self.name} has no parameters, or no trials with values")
        return Space(*(self._likely_parameter(name) for name in names))

    def _likely_parameter(self, name: str) -> Parameter:
        if any(name not in one for one in self.configurations):
            raise PriorError(
                f"in {self.name} some trials have no {name!r}, and nothing tells when it is "
                "active; create the study with a script first, and import into that"
            )
        values = [to_value(one[name]) for one in self.configurations]
        different = list({identity(value): value for value in values}.values())
        if len(different) == 1:
            return Constant(name, different[0])
        if all(type(value) is int for value in values):
            return Int(name, min(values), max(values))  # type: ignore[type-var, arg-type]
        if all(type(value) in (int, float) for value in values):
            return Float(name, min(values), max(values))  # type: ignore[type-var, arg-type]
        return Categorical(name, sorted(different, key=repr))


def finite(values: Sequence[object]) -> tuple[float, ...] | None:
    """Values as numbers, or None if one is missing or not finite: a failure."""
    numbers = []
    for value in values:
        try:
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return None
        if not math.isfinite(number):
            return None
        numbers.append(number)
    return tuple(numbers)
