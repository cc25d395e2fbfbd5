"""Parameters as other packages know them: reals, integers and choices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from fsopt.bench.functions.base import Values
from fsopt.errors import EvaluationError
from fsopt.space import Categorical, Constant, Expression, Float, Int, Parameter, Space


@dataclass(frozen=True, slots=True)
class Dial:
    """What another package varies instead of a parameter.

    A real or integer is the parameter's own value. The levels of all others are counted from 0: a
    choice if they have no order, else an integer.
    """

    parameter: Parameter
    kind: Literal["real", "integer", "choice"]
    low: float
    high: float
    log: bool = False

    @classmethod
    def of(cls, parameter: Parameter) -> Dial:
        """The dial of a parameter."""
        if isinstance(parameter, Float | Int) and parameter.step is None:
            kind: Literal["real", "integer"] = "real" if parameter.kind == "float" else "integer"
            return cls(parameter, kind, parameter.low, parameter.high, parameter.log)
        unordered = isinstance(parameter, Categorical | Constant)
        last = (parameter.levels or 1) - 1
        return cls(parameter, "choice" if unordered else "integer", 0, last)

    def value(self, position: Any) -> object:
        """The parameter's value at a position, or at the nearest one in the range."""
        position = self._inside(float(position))
        if isinstance(self.parameter, Float | Int) and self.parameter.step is None:
            return self.parameter.value_of(position)
        number = self.parameter.at_levels(np.array(position))
        return self.parameter.value_of(float(number))

    def position(self, value: object) -> int | float:
        """The position that has a value."""
        number = self.parameter.number_of(value)
        if isinstance(self.parameter, Float | Int) and self.parameter.step is not None:
            number = (number - self.parameter.low) / self.parameter.step
        inside = self._inside(number)
        return inside if self.kind == "real" else round(inside)

    def _inside(self, position: float) -> float:
        """Rounding can lead out of a range of logarithms."""
        return min(max(position, self.low), self.high)


def dials_of(space: Space) -> list[Dial]:
    """The dials, in an order in which each comes after those that its condition names."""
    by_name = {parameter.name: Dial.of(parameter) for parameter in space.parameters}
    return [
        *(dial for name, dial in by_name.items() if name not in space.conditions),
        *(by_name[name] for name in space.conditions),
    ]


def assemble(space: Space, dials: list[Dial], pick: Callable[[Dial], Any]) -> Values:
    """A configuration, parameter by parameter.

    Args:
        space: The space.
        dials: Its `dials_of`.
        pick: Called with each dial whose parameter is active; returns the position.
    """
    columns = {name: i for i, name in enumerate(space.names)}
    unit = np.full((1, len(space)), np.nan)
    params: dict[str, object] = {}
    for dial in dials:
        i = columns[dial.parameter.name]
        # those that were not picked yet do not matter to whether this one is active
        if not np.isnan(space.from_unit(unit)[0, i]):
            value = dial.value(pick(dial))
            params[dial.parameter.name] = value
            unit[0, i] = dial.parameter.to_unit(np.array(dial.parameter.number_of(value)))
    return params


def activating_values(space: Space, child: str) -> tuple[Parameter, list[object]]:
    """By what a parameter becomes active.

    Args:
        space: The space.
        child: A parameter with a condition.

    Returns:
        The parameter that decides, and for which of its values the child is active.

    Raises:
        EvaluationError: If not one parameter with levels decides; other packages can't have that.
    """
    rule = space.conditions[child]
    columns = rule.columns if isinstance(rule, Expression) else ()
    levels = space.parameters[columns[0]].levels if len(columns) == 1 else None
    if not isinstance(rule, Expression) or levels is None:
        raise EvaluationError(f"the condition of {child!r} is no choice of one parameter's values")
    parent = space.parameters[columns[0]]
    rows = np.full((levels, len(space)), np.nan)
    rows[:, columns[0]] = parent.at_levels(np.arange(levels, dtype=np.float64))
    active = rows[rule.holds(rows), columns[0]]
    return parent, [parent.value_of(number) for number in active.tolist()]
