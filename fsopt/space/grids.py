"""The numbers ``low + k * step`` as a person would write them: 0.3, not 0.30000000000000004."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from fsopt.space.scales import FloatArray
from fsopt.values import MAX_INTEGER

_MAX_DECIMALS = 22  # 10**22 is the largest power of ten that a float64 holds exactly
_TOP_TOLERANCE = Fraction(1, 10**9)  # of a step, by which the last value may exceed the range


@dataclass(frozen=True, slots=True)
class FloatGrid:
    """The numbers from ``low`` in steps up to ``high``.

    If bounds and step are short decimals, the numbers are the floats nearest to the exact sums:
    these are fractions of two integers that float64 holds exactly, and a division is exact to the
    last bit. Otherwise they are plain floating-point sums.
    """

    low: float
    high: float
    step: float
    count: int
    decimals: int | None
    """The digits after the point that the numbers need, or None where that is too many."""

    @classmethod
    def between(cls, low: float, high: float, step: float) -> FloatGrid:
        """The grid of a range, without the part of a step that may be left over at the top."""
        exact = [Fraction(repr(number)) for number in (low, high, step)]
        count = int((exact[1] - exact[0]) / exact[2] + _TOP_TOLERANCE) + 1
        decimals = max(_decimals(low), _decimals(step))
        largest = max(abs(exact[0]), abs(exact[0] + exact[2] * (count - 1)), exact[2] * count)
        fits = decimals <= _MAX_DECIMALS and largest * 10**decimals <= MAX_INTEGER
        return cls(low, high, step, count, decimals if fits else None)

    def numbers_at(self, levels: FloatArray) -> FloatArray:
        """The numbers of the levels, counted from 0."""
        if self.decimals is None:
            numbers = self.low + levels * self.step
        else:
            scale = 10**self.decimals
            first, stride = (int(Fraction(repr(x)) * scale) for x in (self.low, self.step))
            numbers = (first + levels * stride) / float(scale)
        return np.clip(numbers, self.low, self.high)

    def levels_of(self, numbers: FloatArray) -> FloatArray:
        """The level nearest to each number."""
        levels = np.rint((numbers / 2 - self.low / 2) / (self.step / 2))
        return np.clip(levels, 0, self.count - 1)


def _decimals(number: float) -> int:
    exponent = Decimal(repr(number)).as_tuple().exponent
    return max(0, -int(exponent))
