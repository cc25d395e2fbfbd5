"""Grid search, in an order in which a part of the grid is spread over all of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import numpy as np

from fsopt.errors import InfeasibleSpaceError, StudyError
from fsopt.history import FloatArray, History
from fsopt.search.distinct import is_new, is_valid
from fsopt.search.explanation import REPLACEMENT, Explanation
from fsopt.search.lattice import Lattice
from fsopt.search.permutation import Permutation
from fsopt.search.quasirandom import explain_point, usable_points
from fsopt.space import same_rows
from fsopt.streams import stream

_ENUMERABLE = 2**20
_DRAWS = 2**14  # from larger grids, which can't be exhausted


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSearch:
    """Takes trial ``i`` from place ``i`` of a shuffled full grid.

    A number takes ``levels`` values, evenly spaced on its own scale and including both ends, or
    all of its values if they are fewer; of a categorical parameter all choices are taken. Inactive
    parameters count once, so that all configurations differ. The study's seed shuffles the grid:
    a part of it that is finished is a random sample without repetition. The grid may be as large
    as it likes, as it is never listed.

    A point that violates a constraint or was tried before gives way to the point at the same place
    in a second, third, ... 16th order, and then to a random one of those that are left.

    Raises:
        StudyError: If ``levels`` is out of range.
    """

    levels: int = 5
    """How many values a number takes, at most."""

    kind: ClassVar[str] = "grid"

    def __post_init__(self) -> None:
        if type(self.levels) is not int or self.levels < 2:
            raise StudyError(f"levels must be an integer of 2 or more, not {self.levels!r}")

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`.

        Raises:
            InfeasibleSpaceError: If no valid point of the grid is left.
            SpaceError: If conditions look at too many parameters; see `Lattice`.
        """
        lattice = Lattice(history.space, self.levels)
        points = partial(_shuffled, lattice)
        units, usable = usable_points(points, history, numbers, seed)
        missing = np.flatnonzero(~usable)
        if len(missing):
            rng = stream(seed, "rest of grid", numbers[int(missing[0])])
            units[missing] = _left(lattice, history, units[usable], len(missing), rng)
        return units

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """In which order of the grid a configuration has the trial's place; see `Explainer`."""
        points = partial(_shuffled, Lattice(history.space, self.levels))
        told = explain_point(points, "order of the grid", history, number, seed, unit)
        if told.source.startswith(REPLACEMENT):
            return Explanation(source="one of the points of the grid that were left")
        return told


def _shuffled(
    lattice: Lattice, dimensions: int, indices: Sequence[int], seed: int, order: int
) -> FloatArray:
    """(b, d) What lies at these places in one of the study's orders of the grid; see `Points`."""
    shuffled = Permutation(lattice.size, stream(seed, "grid", order).bytes(16))
    return lattice.units([shuffled(index % lattice.size) for index in indices])


def _left(
    lattice: Lattice,
    history: History,
    proposed: FloatArray,
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """(count, d) Points of the grid that may still be proposed, in random order.

    Raises:
        InfeasibleSpaceError: If there are not as many.
    """
    if lattice.size <= _ENUMERABLE:
        points = lattice.units(rng.permutation(lattice.size).tolist())
    else:
        shuffled = Permutation(lattice.size, rng.bytes(16))
        points = lattice.units([shuffled(place) for place in range(_DRAWS + 8 * count)])
    valid = points[is_valid(history.space, points)]
    left = valid[is_new(valid, history) & ~same_rows(valid, proposed)]
    if len(left) < count:
        raise _exhausted(lattice, len(points), len(valid))
    return left[:count]


def _exhausted(lattice: Lattice, tried: int, valid: int) -> InfeasibleSpaceError:
    advice = (
        "Stop the study here, or continue with more levels or an optimizer without a grid, such "
        "as random"
    )
    if not valid:
        return InfeasibleSpaceError(
            f"none of {tried:,} points of the grid satisfies the constraints. Take more levels, "
            "or an optimizer without a grid, such as random"
        )
    if tried == lattice.size:
        return InfeasibleSpaceError(
            f"all {valid} configurations of the grid have been given out, or would be by this "
            f"request. {advice}"
        )
    return InfeasibleSpaceError(
        f"of {tried:,} points of the grid, drawn at random from {lattice.size:,}, almost none is "
        f"valid and not given out yet. {advice}"
    )
