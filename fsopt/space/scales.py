"""How the numbers of one parameter lie in the unit interval.

Each scale is a pair of inverse maps on columns. NaN, which stands for *inactive*, maps to NaN.

Decoding continuous scales rounds off the last few bits, so that encoding and decoding again gives
the very same number: the error of one round trip is smaller than half of the rounding's quantum.
Without this a configuration would drift by one unit in the last place each time that it is read
back, and would no longer be found among the ones already tried.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]

MAX_LEVELS = 2**40
"""A discrete parameter may have this many levels; with more, positions in [0, 1] get too close."""

_LINEAR_BITS = 47  # a round trip is off by at most 2**-51 of the range
_LOG_BITS = 40  # a round trip is off by at most (log(high) + log(high / low)) * 2**-52, relatively


class LinearScale:
    """The interval from ``low`` to ``high``, evenly; or of several columns (n, k) at once.

    Args:
        low: The lower end; or those of k columns, as an array (k,).
        high: The upper end, or ends.
    """

    __slots__ = ("_half_low", "_half_range", "_quantum", "high", "low")

    def __init__(self, low: float | FloatArray, high: float | FloatArray) -> None:
        self.low, self.high = low, high
        self._half_low = low / 2
        # Half of the range: the range itself may be too large for a float.
        self._half_range = high / 2 - self._half_low
        _, exponent = np.frexp(self._half_range)
        self._quantum = np.ldexp(1.0, np.maximum(exponent - 1 - _LINEAR_BITS, -1060))

    def to_unit(self, column: FloatArray) -> FloatArray:
        """Position of each number, in [0, 1]."""
        return clipped((column / 2 - self._half_low) / self._half_range, 0.0, 1.0)

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The number at each position."""
        halves = self._half_low + unit * self._half_range
        rounded = np.rint(halves / self._quantum) * self._quantum * 2
        return _with_ends(clipped(rounded, self.low, self.high) + 0.0, unit, self.low, self.high)


@dataclass(frozen=True, slots=True)
class LogScale:
    """The interval from ``low`` > 0 to ``high``, evenly in the logarithm."""

    low: float
    high: float

    def to_unit(self, column: FloatArray) -> FloatArray:
        """Position of each number, in [0, 1]."""
        position = (np.log(column) - math.log(self.low)) / self._log_range
        return np.where(column >= self.high, 1.0, clipped(position, 0.0, 1.0))

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The number at each position."""
        one = math.ldexp(1.0, _LOG_BITS)
        with np.errstate(over="ignore"):  # past the largest float, which the clip brings back
            numbers = np.exp(math.log(self.low) + unit * self._log_range)
            mantissa, exponent = np.frexp(numbers)
            rounded = np.ldexp(np.rint(mantissa * one) / one, exponent)
        return _with_ends(clipped(rounded, self.low, self.high), unit, self.low, self.high)

    @property
    def _log_range(self) -> float:
        return math.log(self.high) - math.log(self.low)


@dataclass(frozen=True, slots=True)
class LevelScale:
    """Levels 0 to ``count`` - 1, each with an equal share of the unit interval."""

    count: int

    def to_unit(self, column: FloatArray) -> FloatArray:
        """The middle of each level's share."""
        return (column + 0.5) / self.count

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The level whose share each position is in."""
        return clipped(np.floor(unit * self.count), 0, self.count - 1)


@dataclass(frozen=True, slots=True)
class LogLevelScale:
    """Levels 0 to ``count`` - 1 that stand for ``low + level * step``, evenly in the logarithm.

    A level's share reaches half a step to both sides of its number; that of the lowest reaches
    down to ``low / 2`` if half a step would pass that.
    """

    low: float
    step: float
    count: int

    def to_unit(self, column: FloatArray) -> FloatArray:
        """The logarithmic position of each level's number within the outer edges."""
        return np.log1p((column * self.step + self._margin) / self._edge) / self._log_range

    def from_unit(self, unit: FloatArray) -> FloatArray:
        """The level whose share each position is in."""
        # expm1 and log1p keep neighbours apart where the numbers are large and close together
        offset = self._edge * np.expm1(unit * self._log_range) - self._margin
        return clipped(np.floor(offset / self.step + 0.5), 0, self.count - 1)

    @property
    def _margin(self) -> float:
        return min(self.step, self.low) / 2

    @property
    def _edge(self) -> float:
        return self.low - self._margin

    @property
    def _log_range(self) -> float:
        return math.log1p(((self.count - 0.5) * self.step + self._margin) / self._edge)


Scale: TypeAlias = LinearScale | LogScale | LevelScale | LogLevelScale


def clipped(numbers: FloatArray, low: float | FloatArray, high: float | FloatArray) -> FloatArray:
    """Numbers brought into a range; NaN stays NaN. For a single row `numpy.clip` is slow."""
    inside: FloatArray = np.minimum(np.maximum(numbers, low), high)
    return inside


def _with_ends(
    numbers: FloatArray, unit: FloatArray, low: float | FloatArray, high: float | FloatArray
) -> FloatArray:
    return np.where(unit <= 0.0, low, np.where(unit >= 1.0, high, numbers))
