"""Where a smooth acquisition function is largest, in any space.

First many configurations are looked at; from the best of them, which must not be too close to each
other, numbers climb along the gradient, and other parameters change one at a time to whatever is
best. What comes out is always a configuration that may be proposed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.candidates import surroundings
from fsopt.search.distinct import is_new, is_valid
from fsopt.search.quasirandom import sobol_points
from fsopt.space import Categorical, Parameter, Space, enumerate_all, sample

STARTS = 4
_APART = 0.05  # the least distance between two starts
_STEPS = 25  # along the gradient
_ROUNDS = 3  # of climbing, and then changing one parameter
_FRACTIONS = 0.5 ** np.arange(6)  # of a climb that ends in an invalid configuration
_SMOOTH_LEVELS = 12  # a number of more levels than this climbs as if it had no levels
_CHANGES = 64  # at most, of one parameter
_FILLS = 4  # random values of parameters that a change may make active
_FEW_VALID = 4  # if fewer than one in so many points are valid, sampling takes over


class Score(Protocol):
    """What is maximised: a function of unit rows, smooth in positions."""

    def values(self, X: FloatArray) -> FloatArray:
        """(k,) Of the unit rows (k, d), NaN where inactive."""
        ...

    def value_and_slope(self, x: FloatArray) -> tuple[float, FloatArray]:
        """Of one unit row (d,), and its derivatives (d,): 0 where it does not change smoothly."""
        ...


@dataclass(frozen=True, slots=True)
class Box:
    """Where numbers without levels may lie."""

    low: FloatArray
    """(d,) From here."""
    high: FloatArray
    """(d,) To here."""

    @classmethod
    def whole(cls, dimension: int) -> Box:
        """The unit cube of ``dimension`` parameters."""
        return cls(np.zeros(dimension), np.ones(dimension))

    def nearest(self, units: FloatArray) -> FloatArray:
        """The points of the box that are nearest to unit rows (k, d)."""
        return np.clip(units, self.low, self.high)


def starting_points(
    history: History, incumbents: FloatArray, count: int, rng: np.random.Generator, box: Box
) -> FloatArray:
    """Configurations of which the best are good places to climb from.

    All that are left of a space of at most ``count`` combinations; otherwise about half are points
    of a randomly shifted Sobol' sequence, and the others surround the incumbents.

    Args:
        history: The study so far; nothing in it is among the points.
        incumbents: (b, d) The best unit rows known, best first; may be empty.
        count: How many to make; fewer may come out.
        rng: Source of randomness.
        box: Where; see `best_proposal`.

    Returns:
        (c, d) Valid, snapped, distinct unit rows.

    Raises:
        InfeasibleSpaceError: If the space has no valid configuration.
    """
    space = history.space
    every = enumerate_all(space, count)
    if every is not None:
        return rng.permutation(every[~history.is_taken(every)])
    around = space.snap(box.nearest(surroundings(space, incumbents, count // 2, rng)))
    units = np.concatenate([around, _spread(space, count - len(around), rng, box)])
    units = units[is_valid(space, units)]
    return units[is_new(units, history)]


def best_proposal(
    score: Score,
    space: Space,
    pool: FloatArray,
    is_free: Callable[[FloatArray], BoolArray],
    rng: np.random.Generator,
    box: Box,
    starts: int = STARTS,
) -> FloatArray | None:
    """The configuration with the largest score that is found.

    Args:
        score: What is maximised.
        space: Where.
        pool: (c, d) Valid, snapped unit rows to begin with.
        is_free: Which of the valid, snapped unit rows (k, d) may be proposed.
        rng: Source of randomness.
        box: Bounds of numbers without levels.
        starts: From how many of the best of the pool it climbs.

    Returns:
        (d,) A valid, snapped unit row that is free, or None if there is none.
    """
    pool = pool[is_free(pool)]
    if not len(pool):
        return None
    values = score.values(pool)
    climb = _Climb(score, space, is_free, rng, box)
    ends = [climb.run(pool[i], values[i]) for i in _starts(pool, values, starts)]
    row, _ = max(ends, key=lambda end: end[1])
    return row


@dataclass(frozen=True, slots=True)
class _Climb:
    """How to improve one configuration."""

    score: Score
    space: Space
    is_free: Callable[[FloatArray], BoolArray]
    rng: np.random.Generator
    box: Box

    def run(self, row: FloatArray, value: float) -> tuple[FloatArray, float]:
        """The best of what is reached from a unit row (d,) with this score, and its score."""
        for _ in range(_ROUNDS):
            row, value = self._best_of(self._along_gradient(row), row, value)
            changed = neighbours(self.space, row, self.rng)
            found, best = self._best_of(changed, row, value)
            if not best > value:
                break
            row, value = found, best
        return row, value

    def _best_of(
        self, rows: FloatArray, row: FloatArray, value: float
    ) -> tuple[FloatArray, float]:
        """The best of the rows (k, d) that may be proposed, or the given one if it is better."""
        if not len(rows):
            return row, value
        rows = self.space.snap(rows)
        rows = rows[is_valid(self.space, rows)]
        rows = rows[self.is_free(rows)]
        if not len(rows):
            return row, value
        values = self.score.values(rows)
        best = int(np.argmax(values))
        return (rows[best], float(values[best])) if values[best] > value else (row, value)

    def _along_gradient(self, row: FloatArray) -> FloatArray:
        """(k, d) Where the gradient leads, and points on the way there."""
        from scipy.optimize import minimize

        moving = smooth_columns(self.space) & ~np.isnan(row)
        if not moving.any():
            return np.empty((0, len(row)))
        point = row.copy()

        def loss(position: FloatArray) -> tuple[float, FloatArray]:
            point[moving] = position
            value, slope = self.score.value_and_slope(point)
            return -value, -slope[moving]

        low, high = self.box.low[moving], self.box.high[moving]
        start = np.clip(row[moving], low, high)
        found = minimize(
            loss,
            start,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(low, high, strict=True)),
            options={"maxiter": _STEPS},
        )
        rows = np.tile(row, (len(_FRACTIONS), 1))
        rows[:, moving] = start + _FRACTIONS[:, None] * (found.x - start)
        return rows


def smooth_columns(space: Space) -> BoolArray:
    """(d,) Which parameters are numbers that can be moved by small steps."""
    return np.array(
        [
            not isinstance(parameter, Categorical)
            and (parameter.levels is None or parameter.levels > _SMOOTH_LEVELS)
            for parameter in space.parameters
        ],
        dtype=np.bool_,
    )


def neighbours(space: Space, row: FloatArray, rng: np.random.Generator) -> FloatArray:
    """All configurations that differ from one in a single discrete parameter.

    Of a parameter with many levels, those at 1, 2, 4, ... levels from the present one, or of many
    categories some. Where parameters are inactive, each change is made with several random values
    of these, in case that it makes them active.

    Args:
        space: The space.
        row: (d,) A snapped unit row.
        rng: Source of randomness.

    Returns:
        (k, d) Rows that are neither snapped nor checked.
    """
    inactive = np.isnan(row)
    copies = _FILLS if inactive.any() else 1
    parts = [np.empty((0, len(row)))]
    for column, parameter in enumerate(space.parameters):
        if parameter.levels is None or parameter.levels == 1 or inactive[column]:
            continue
        others = _other_positions(parameter, float(row[column]), rng)
        rows = np.tile(row, (copies * len(others), 1))
        rows[:, column] = np.tile(others, copies)
        parts.append(rows)
    rows = np.concatenate(parts)
    return np.where(np.isnan(rows), rng.random(rows.shape), rows)


def _other_positions(
    parameter: Parameter, position: float, rng: np.random.Generator
) -> FloatArray:
    """The positions of other levels of a discrete parameter."""
    count = parameter.levels or 0
    first, second = parameter.at_levels(np.array([0.0, 1.0]))
    here = np.rint((parameter.from_unit(np.array(position)) - first) / (second - first))
    if isinstance(parameter, Categorical):
        levels = np.delete(np.arange(count, dtype=np.float64), int(here))
        levels = levels if count <= _CHANGES else rng.choice(levels, _CHANGES, replace=False)
    elif count <= _SMOOTH_LEVELS:
        levels = np.delete(np.arange(count, dtype=np.float64), int(here))
    else:
        steps = 2.0 ** np.arange(count.bit_length())
        levels = np.concatenate([here - steps, here + steps])
        levels = levels[(levels >= 0) & (levels < count)]
    return parameter.to_unit(parameter.at_levels(levels))


def _starts(pool: FloatArray, values: FloatArray, count: int) -> Sequence[int]:
    """The indices of the best rows that are apart from each other, best first."""
    full = np.where(np.isnan(pool), -1.0, pool)
    left = np.ones(len(pool), dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < count and left.any():
        best = int(np.argmax(np.where(left, values, -np.inf)))
        chosen.append(best)
        left &= ((full - full[best]) ** 2).sum(axis=1) > _APART**2
        left[best] = False
    return chosen


def _spread(space: Space, count: int, rng: np.random.Generator, box: Box) -> FloatArray:
    """About ``count`` unit rows that are spread evenly, of which enough are valid."""
    shift = rng.random(len(space))
    even = (sobol_points(len(space), range(count), 0) + shift) % 1.0
    points = space.snap(box.low + (box.high - box.low) * even)
    if np.count_nonzero(is_valid(space, points)) < count // _FEW_VALID:
        return space.snap(box.nearest(sample(space, count, rng)))
    return points
