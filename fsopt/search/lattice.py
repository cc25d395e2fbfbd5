"""The different configurations of a full grid, numbered, however many they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

from fsopt.errors import SpaceError
from fsopt.history import BoolArray, FloatArray, IntArray
from fsopt.space import Categorical, Expression, Parameter, Space, unique_rows

_MAX_COMBINATIONS = 2**16
_MAX_INT64 = 2**62


@dataclass(frozen=True)
class Lattice:
    """The grid of a space without regard to constraints.

    Conditions only look at some parameters, the *deciding* ones. Their different combinations are
    listed; in each of them, the grid is a plain product of the others that are active there. So no
    configuration occurs twice, and any of them is found by arithmetic.

    Raises:
        SpaceError: If there are too many combinations of deciding parameters.
    """

    space: Space
    levels: int

    @cached_property
    def axes(self) -> list[FloatArray]:
        """The positions in [0, 1] that each parameter takes."""
        return [axis_of(parameter, self.levels) for parameter in self.space.parameters]

    @property
    def size(self) -> int:
        """The number of different configurations."""
        return self._ends[-1]

    def units(self, indices: Sequence[int]) -> FloatArray:
        """(k, d) The snapped unit rows of the configurations with these k numbers."""
        combination = np.searchsorted(self._as_array(self._ends), self._as_array(indices), "right")
        starts = self._as_array([0, *self._ends[:-1]])
        rest = self._as_array(indices) - starts[combination]
        units = self._combinations[combination]
        for column in np.flatnonzero(~self._deciding).tolist():
            axis = self.axes[column]
            is_active = ~np.isnan(units[:, column])
            sizes = np.where(is_active, len(axis), 1).astype(rest.dtype)
            places = (rest % sizes).astype(np.int64)
            rest = rest // sizes
            units[:, column] = axis[places]
        return self.space.snap(units)

    @cached_property
    def _deciding(self) -> BoolArray:
        """(d,) The parameters that conditions look at."""
        deciding = np.zeros(len(self.space), dtype=np.bool_)
        for rule in self.space.conditions.values():
            # a function may look at all of them
            deciding[rule.columns if isinstance(rule, Expression) else slice(None)] = True
        return deciding

    @cached_property
    def _combinations(self) -> FloatArray:
        """(c, d) One unit row for each different combination of the deciding parameters."""
        axes = [
            axis if decides else axis[:1]
            for axis, decides in zip(self.axes, self._deciding, strict=True)
        ]
        shape = [len(axis) for axis in axes]
        if math.prod(shape) > _MAX_COMBINATIONS:
            raise SpaceError(
                f"the parameters that conditions look at have {math.prod(shape):,} combinations "
                f"in this grid, more than {_MAX_COMBINATIONS:,}; take fewer levels or another "
                "optimizer (a condition that is a function counts as looking at all parameters)"
            )
        places = np.indices(shape).reshape(len(shape), -1)
        columns = [axis[place] for axis, place in zip(axes, places, strict=True)]
        units = self.space.snap(np.column_stack(columns))
        return units[unique_rows(units)]

    @cached_property
    def _ends(self) -> list[int]:
        """The number of configurations up to each combination and including its own."""
        free = np.flatnonzero(~self._deciding)
        sizes = [len(self.axes[column]) for column in free]
        is_active = ~np.isnan(self._combinations[:, free])
        counts = [
            math.prod(size for size, active in zip(sizes, row, strict=True) if active)
            for row in is_active.tolist()
        ]
        return list(accumulate(counts))

    def _as_array(self, numbers: Sequence[int]) -> IntArray:
        """Integers as an array, of Python's own ones where they are too large."""
        return np.array(numbers, dtype=np.int64 if self.size < _MAX_INT64 else np.object_)


def axis_of(parameter: Parameter, levels: int) -> FloatArray:
    """The positions in [0, 1], ascending, that a parameter takes in a grid.

    Args:
        parameter: The parameter.
        levels: How many positions, evenly spaced from end to end, are rounded to values. Of a
            discrete parameter with no more levels, and of a categorical one, all are taken.
    """
    count = parameter.levels
    if count is not None and (count <= levels or isinstance(parameter, Categorical)):
        return parameter.to_unit(parameter.at_levels(np.arange(count, dtype=np.float64)))
    numbers = np.unique(parameter.from_unit(np.linspace(0.0, 1.0, levels)))
    return parameter.to_unit(numbers)
