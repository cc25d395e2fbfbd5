"""The kinds of parameters, and how each turns a value into a number and back.

The *number* of a value is what stands in a row: the value itself for `Float` and `Int`, the index
of the choice for `Categorical` and `Ordinal`, and 0 for `Constant`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fsopt.space import checks
from fsopt.space.beliefs import Normal, read_prior
from fsopt.space.grids import FloatGrid
from fsopt.space.scales import (
    FloatArray,
    LevelScale,
    LinearScale,
    LogLevelScale,
    LogScale,
    Scale,
)
from fsopt.values import Value, identity

_SMALLEST = 1e-300  # below this, float64 loses precision
_STEP_TOLERANCE = 1e-9  # of a step: how far from the grid a given number may be


@dataclass(frozen=True, slots=True)
class Float:
    """A real number from ``low`` to ``high``.

    Args:
        name: The name of the parameter.
        low: The smallest value.
        high: The largest value.
        log: Whether equal ratios, not equal differences, are equally likely; needs ``low > 0``.
        step: If given, only ``low + k * step`` are values, up to ``high``.
        prior: Where good values are believed to lie.

    Raises:
        SpaceError: If these make no range, or the prior lies outside of it.
    """

    name: str
    low: float
    high: float
    log: bool = field(default=False, kw_only=True)
    step: float | None = field(default=None, kw_only=True)
    prior: Normal | None = field(default=None, kw_only=True)
    _grid: FloatGrid | None = field(init=False, repr=False, compare=False)
    _scale: Scale = field(init=False, repr=False, compare=False)

    kind: ClassVar[str] = "float"

    def __post_init__(self) -> None:
        checks.check_name(self.name)
        low = checks.finite(self.name, "low", self.low)
        high = checks.finite(self.name, "high", self.high)
        log = checks.flag(self.name, self.log)
        checks.check_range(self.name, low, high, log)
        if not high / 2 - low / 2 > _SMALLEST or (log and low < _SMALLEST):
            what = f"{low!r} to {high!r} is too close to zero for a float64; use other units"
            raise checks.error(self.name, what)
        prior = read_prior(self.name, self.prior, low, high)
        _set(self, low=low, high=high, log=log, prior=prior, _grid=None)
        if self.step is None:
            _set(self, _scale=LogScale(low, high) if log else LinearScale(low, high))
        else:
            self._put_on_grid(checks.finite(self.name, "step", self.step))

    def _put_on_grid(self, step: float) -> None:
        checks.check_step(self.name, step)
        if step < 4 * math.ulp(max(abs(self.low), abs(self.high))):
            what = f"the step {step!r} is too small to tell values near {self.high!r} apart"
            raise checks.error(self.name, what)
        grid = FloatGrid.between(self.low, self.high, step)
        checks.check_levels(self.name, grid.count, step)
        scale = _level_scale(self.low, step, grid.count, log=self.log)
        _set(self, step=step, _grid=grid, _scale=scale)

    @property
    def levels(self) -> int | None:
        """The number of values, or None if they are a continuum."""
        return None if self._grid is None else self._grid.count

    def to_unit(self, numbers: FloatArray) -> FloatArray:
        """Positions in [0, 1] of numbers of this parameter; NaN stays NaN."""
        return self._scale.to_unit(
            numbers if self._grid is None else self._grid.levels_of(numbers)
        )

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The number nearest to each position in [0, 1]; NaN stays NaN."""
        numbers = self._scale.from_unit(unit)
        return numbers if self._grid is None else self._grid.numbers_at(numbers)

    def at_levels(self, levels: FloatArray) -> FloatArray:
        """The numbers of the levels, counted from 0; only for a parameter with a step."""
        if self._grid is None:
            raise checks.error(self.name, "there are no levels without a step")
        return self._grid.numbers_at(levels)

    def number_of(self, given: object) -> float:
        """The number of a value, which may be an integer or a numpy scalar.

        Raises:
            SpaceError: If it is no value of this parameter.
        """
        number = given if type(given) is float else checks.real(self.name, "the value", given)
        checks.check_inside(self.name, number, self.low, self.high)
        if self._grid is None:
            return number
        nearest = float(self._grid.numbers_at(self._grid.levels_of(np.array(number))))
        if abs(nearest - number) > _STEP_TOLERANCE * self._grid.step:
            raise checks.off_step(self.name, number, self.low, self._grid.step, nearest)
        return nearest

    def value_of(self, number: float) -> float:
        """The value that a number stands for."""
        return float(number)


@dataclass(frozen=True, slots=True)
class Int:
    """An integer from ``low`` to ``high``, both included.

    Args:
        name: The name of the parameter.
        low: The smallest value.
        high: The largest value.
        log: Whether equal ratios, not equal differences, are equally likely; needs ``low > 0``.
        step: If given, only ``low + k * step`` are values, up to ``high``.
        prior: Where good values are believed to lie.

    Raises:
        SpaceError: If these make no range, or one of more than 2**40 values, or the prior lies
            outside of it.
    """

    name: str
    low: int
    high: int
    log: bool = field(default=False, kw_only=True)
    step: int | None = field(default=None, kw_only=True)
    prior: Normal | None = field(default=None, kw_only=True)
    _scale: Scale = field(init=False, repr=False, compare=False)

    kind: ClassVar[str] = "int"

    def __post_init__(self) -> None:
        checks.check_name(self.name)
        low = checks.integer(self.name, "low", self.low)
        high = checks.integer(self.name, "high", self.high)
        log = checks.flag(self.name, self.log)
        checks.check_range(self.name, low, high, log)
        checks.check_width(self.name, low, high)
        step = 1 if self.step is None else checks.integer(self.name, "step", self.step)
        checks.check_step(self.name, step)
        prior = read_prior(self.name, self.prior, low, high)
        _set(self, low=low, high=high, log=log, step=None if step == 1 else step, prior=prior)
        checks.check_levels(self.name, self.levels, step)
        _set(self, _scale=_level_scale(low, step, self.levels, log=log))

    @property
    def levels(self) -> int:
        """The number of values."""
        return (self.high - self.low) // (self.step or 1) + 1

    def to_unit(self, numbers: FloatArray) -> FloatArray:
        """Positions in [0, 1] of numbers of this parameter; NaN stays NaN."""
        return self._scale.to_unit((numbers - self.low) / (self.step or 1))

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The number nearest to each position in [0, 1]; NaN stays NaN."""
        return self.at_levels(self._scale.from_unit(unit))

    def at_levels(self, levels: FloatArray) -> FloatArray:
        """The numbers of the levels, counted from 0."""
        return levels * (self.step or 1) + self.low

    def number_of(self, given: object) -> float:
        """The number of a value, which may be a whole float or a numpy scalar.

        Raises:
            SpaceError: If it is no value of this parameter.
        """
        value = given if type(given) is int else checks.plain(self.name, given)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise checks.error(self.name, f"the value must be an integer, not {given!r}")
        checks.check_inside(self.name, value, self.low, self.high)
        step = self.step or 1
        beyond = (value - self.low) % step
        if beyond:
            raise checks.off_step(self.name, value, self.low, step, value - beyond)
        return float(value)

    def value_of(self, number: float) -> int:
        """The value that a number stands for."""
        return int(number)


@dataclass(frozen=True, slots=True)
class _Choice:
    """A parameter whose numbers are indices of values.

    Values are looked up by `identity`, so that ``1``, ``1.0`` and ``True`` are different choices.
    A number of another type than the one listed is taken for it if that is unambiguous.
    """

    name: str
    _options: tuple[Value, ...] = field(init=False, repr=False, compare=False)
    _indices: dict[Hashable, int] = field(init=False, repr=False, compare=False)
    _table: NDArray[Any] = field(init=False, repr=False, compare=False)

    def _choose_from(self, options: tuple[Value, ...]) -> None:
        numeric = all(isinstance(value, int | float) for value in options)
        table: NDArray[Any] = np.empty(len(options), dtype=np.float64 if numeric else np.object_)
        for index, value in enumerate(options):  # one by one, lest tuples become axes
            table[index] = cast("Any", value)
        table.setflags(write=False)
        indices = {identity(value): index for index, value in enumerate(options)}
        _set(self, _options=options, _table=table, _indices=indices)

    @property
    def levels(self) -> int:
        """The number of values."""
        return len(self._options)

    @property
    def table(self) -> NDArray[Any]:
        """(levels,) The values, as float64 if all are numbers or booleans, else as objects."""
        return self._table

    def to_unit(self, numbers: FloatArray) -> FloatArray:
        """Positions in [0, 1] of indices of values; NaN stays NaN."""
        return LevelScale(self.levels).to_unit(numbers)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The index of the value at each position in [0, 1]; NaN stays NaN."""
        return LevelScale(self.levels).from_unit(unit)

    def at_levels(self, levels: FloatArray) -> FloatArray:
        """The numbers of the levels, which are the levels."""
        return levels

    def number_of(self, given: object) -> float:
        """The index of a value.

        Raises:
            SpaceError: If it is none of the values of this parameter.
        """
        value = checks.plain(self.name, given)
        index = self._indices.get(identity(value))
        if index is not None:
            return float(index)
        equal = [index for index, option in enumerate(self._options) if _same(option, value)]
        if len(equal) == 1:
            return float(equal[0])
        allowed = ", ".join(repr(option) for option in self._options[:20])
        more = ", ..." if len(self._options) > 20 else ""
        raise checks.error(self.name, f"{given!r} is not one of {allowed}{more}")

    def value_of(self, number: float) -> Value:
        """The value that an index stands for."""
        return self._options[int(number)]


@dataclass(frozen=True, slots=True)
class Categorical(_Choice):
    """One of several values without an order.

    Args:
        name: The name of the parameter.
        choices: The values; ``1``, ``1.0`` and ``True`` are three different ones.

    Raises:
        SpaceError: If there is no choice, one occurs twice, or one can't be a value.
    """

    choices: Sequence[Value]

    kind: ClassVar[str] = "categorical"

    def __post_init__(self) -> None:
        checks.check_name(self.name)
        choices = checks.options(self.name, "choice", self.choices)
        _set(self, choices=choices)
        self._choose_from(choices)


@dataclass(frozen=True, slots=True)
class Ordinal(_Choice):
    """One of several values, in the order given.

    Args:
        name: The name of the parameter.
        values: The values, usually numbers.

    Raises:
        SpaceError: If there is no value, one occurs twice, or one can't be a value.
    """

    values: Sequence[Value]

    kind: ClassVar[str] = "ordinal"

    def __post_init__(self) -> None:
        checks.check_name(self.name)
        values = checks.options(self.name, "value", self.values)
        _set(self, values=values)
        self._choose_from(values)


@dataclass(frozen=True, slots=True)
class Constant(_Choice):
    """A value that is handed to the objective and never varied.

    Args:
        name: The name of the parameter.
        value: The value.

    Raises:
        SpaceError: If it can't be a value.
    """

    value: Value

    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        checks.check_name(self.name)
        (value,) = checks.options(self.name, "value", [self.value])
        _set(self, value=value)
        self._choose_from((value,))


Parameter: TypeAlias = Float | Int | Categorical | Ordinal | Constant


def scales_of(
    parameters: Sequence[Parameter],
) -> Iterator[tuple[int | slice, Parameter | LinearScale]]:
    """What converts the columns of rows: neighbours that are linear together, others alone.

    Yields:
        A column with its parameter, or a slice of columns with one scale for all of them.
    """
    start = 0
    for is_linear, run in groupby(parameters, _is_linear):
        alike = list(run)
        if is_linear:
            lows, highs = (np.array([getattr(p, end) for p in alike]) for end in ("low", "high"))
            yield slice(start, start + len(alike)), LinearScale(lows, highs)
        else:
            yield from enumerate(alike, start)
        start += len(alike)


def _is_linear(parameter: Parameter) -> bool:
    return isinstance(parameter, Float) and isinstance(parameter._scale, LinearScale)


def _level_scale(low: float, step: float, count: int, *, log: bool) -> Scale:
    return LogLevelScale(low, step, count) if log else LevelScale(count)


def _same(option: Value, value: Value) -> bool:
    """Whether two numbers are equal although one may be an integer and the other a float."""
    numbers = (int, float)
    return type(option) in numbers and type(value) in numbers and option == value


def _set(parameter: object, **values: object) -> None:
    """Set fields while a frozen dataclass is being made."""
    for name, value in values.items():
        object.__setattr__(parameter, name, value)
