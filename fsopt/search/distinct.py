"""Proposals that are valid and were never made before; shared by all optimizers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fsopt.errors import InfeasibleSpaceError
from fsopt.history import BoolArray, FloatArray, History
from fsopt.space import Space, enumerate_all, same_rows, sample, unique_rows
from fsopt.streams import stream

_DRAWS = (16, 1024)  # the second is for spaces in which most configurations are taken
_ENUMERABLE = 2**20  # more configurations than this can't be exhausted by random draws either


def is_valid(space: Space, units: FloatArray) -> BoolArray:
    """(k,) Which unit rows satisfy the constraints; they must be snapped."""
    return space.satisfies(space.from_unit(units))


def is_new(units: FloatArray, history: History) -> BoolArray:
    """Which unit rows are neither taken nor repetitions of a row further up.

    Args:
        units: (k, d) Snapped unit rows.
        history: The study so far.

    Returns:
        (k,) True for rows that may be proposed, all of them together.
    """
    first = np.zeros(len(units), dtype=np.bool_)
    first[unique_rows(units)] = True
    return first & ~history.is_taken(units)


def draw_new(history: History, proposed: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Draw one valid unit row that is not taken, uniformly from those that are left.

    Args:
        history: The study so far, with the space to draw from.
        proposed: (b, d) Snapped unit rows that may not be drawn either.
        rng: Source of randomness.

    Returns:
        (d,) The row.

    Raises:
        InfeasibleSpaceError: If none is valid, or all are taken.
    """
    space = history.space
    for count in _DRAWS:
        drawn = sample(space, count, rng)
        new = drawn[~(history.is_taken(drawn) | same_rows(drawn, proposed))]
        if len(new):
            first: FloatArray = new[0]
            return first
    every = enumerate_all(space, _ENUMERABLE)
    if every is None:
        raise InfeasibleSpaceError(
            f"{sum(_DRAWS)} random configurations of this space had all been given out before; "
            "few or none are left. Stop the study here, or start another with a larger space"
        )
    left = every[~(history.is_taken(every) | same_rows(every, proposed))]
    if not len(left):
        raise InfeasibleSpaceError(
            f"all {len(every)} configurations of this space have been given out; none is left. "
            "Stop the study here, or start another with a larger space"
        )
    row: FloatArray = left[rng.integers(len(left))]
    return row


def replace_unusable(
    proposed: FloatArray, usable: BoolArray, history: History, numbers: Sequence[int], seed: int
) -> FloatArray:
    """Give each trial whose proposal can't be used a random one instead.

    Args:
        proposed: (b, d) One unit row for each trial.
        usable: (b,) Which of them are valid, new and distinct.
        history: The study so far.
        numbers: The b trial numbers; each draws from a random stream of its own.
        seed: The study's seed.

    Returns:
        (b, d) Valid rows that are new and distinct.

    Raises:
        InfeasibleSpaceError: If not enough are left.
    """
    result = proposed.copy()
    settled = usable.copy()
    for index in np.flatnonzero(~usable).tolist():
        rng = stream(seed, "replacement", numbers[index])
        result[index] = draw_new(history, result[settled], rng)
        settled[index] = True
    return result
