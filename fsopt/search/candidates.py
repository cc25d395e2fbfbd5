"""The configurations among which the acquisition function chooses.

Some are spread over the whole space, some lie around the best ones, at all distances. With a
forest, whose prediction is piecewise constant, there is no gradient to follow: what matters is
that good candidates are among the ones that are looked at.
"""

from __future__ import annotations

import numpy as np

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.distinct import is_new, is_valid
from fsopt.space import Categorical, Parameter, Space, enumerate_all, sample

_ENUMERABLE = 20_000
_LOG_SCALES = (-3.5, -0.5)  # of the steps, to base 10


def candidates(
    history: History, incumbents: FloatArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Configurations that may be proposed.

    In a space of at most 20,000 combinations, all that are left. Otherwise about half are uniform
    draws and the others surround the incumbents.

    Args:
        history: The study so far; nothing in it is a candidate.
        incumbents: (b, d) The best unit rows known, best first; may be empty.
        count: How many to make. Invalid and repeated ones are dropped, so fewer may come out.
        rng: Source of randomness.

    Returns:
        (c, d) Valid, snapped, distinct unit rows, those around the incumbents first; of a small
        space in random order, and none at all if nothing is left.

    Raises:
        InfeasibleSpaceError: If the space has no valid configuration.
    """
    space = history.space
    every = enumerate_all(space, _ENUMERABLE)
    if every is not None:
        left = every[~history.is_taken(every)]
        return rng.permutation(left)
    around = surroundings(space, incumbents, count // 2, rng)
    spread = sample(space, count - len(around), rng)
    # a forest is constant around its data: among equals, the first and thus a near one is proposed
    units = np.concatenate([around, spread])
    return units[is_new(units, history)]


def surroundings(
    space: Space, incumbents: FloatArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """Valid variations of the incumbents: steps from each, and mixtures of several.

    Half of them start at the best incumbent and a quarter at any other; a quarter recombines.

    Args:
        space: Where they lie.
        incumbents: (b, d) Unit rows, best first; may be empty.
        count: How many to make before invalid ones are dropped.
        rng: Source of randomness.

    Returns:
        (c, d) Valid, snapped unit rows with ``c <= count``.
    """
    if not len(incumbents) or count == 0:
        return np.empty((0, len(space)))
    mixed = count // 4 if len(incumbents) > 1 else 0
    start = rng.integers(len(incumbents), size=count - mixed)
    start[: count // 2] = 0
    stepped = _step(space, incumbents[start], rng)
    units = space.snap(np.concatenate([stepped, _recombine(incumbents, mixed, rng)]))
    return units[is_valid(space, units)]


def _step(space: Space, start: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Move some coordinates of each row, by Gaussian steps whose scale differs from row to row."""
    full = _fill(start, rng)
    chosen = _choose_coordinates(space, start, rng)
    scale = 10.0 ** rng.uniform(*_LOG_SCALES, size=(len(start), 1))
    moved = np.clip(full + scale * rng.standard_normal(full.shape), 0.0, 1.0)
    for column, parameter in enumerate(space.parameters):
        if parameter.levels is not None and parameter.levels > 1:
            here, there = full[:, column], moved[:, column]
            moved[:, column] = other_level(parameter, here, there, rng)
    return np.where(chosen, moved, full)


def _choose_coordinates(space: Space, start: FloatArray, rng: np.random.Generator) -> BoolArray:
    """(b, d) Which coordinates to move: at least one of the active ones that can vary."""
    varies = np.array([parameter.levels != 1 for parameter in space.parameters])
    eligible = varies & ~np.isnan(start)
    active = np.maximum(eligible.sum(axis=1, keepdims=True), 1)
    share = np.concatenate(
        [
            1 / active,
            2 / active,
            np.full_like(active, 0.5, dtype=np.float64),
            np.ones_like(active, dtype=np.float64),
        ],
        axis=1,
    )
    share = share[np.arange(len(start)), rng.integers(share.shape[1], size=len(start))]
    draw = np.where(eligible, rng.random(start.shape), np.inf)
    smallest = draw == draw.min(axis=1, keepdims=True)
    chosen: BoolArray = eligible & ((draw < share[:, None]) | smallest)
    return chosen


def other_level(
    parameter: Parameter, here: FloatArray, there: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """(b,) Where a step leads that must reach another level of a discrete parameter."""
    count = parameter.levels or 0
    first, second = parameter.at_levels(np.array([0.0, 1.0]))
    before, after = (
        np.rint((parameter.from_unit(unit) - first) / (second - first)) for unit in (here, there)
    )
    if isinstance(parameter, Categorical):
        level = (before + rng.integers(1, count, size=len(here))) % count
    else:
        beside = before + np.where(rng.random(len(here)) < 0.5, -1.0, 1.0)
        beside = np.where((beside < 0) | (beside >= count), 2 * before - beside, beside)
        level = np.where(after == before, beside, after)
    return parameter.to_unit(parameter.at_levels(level))


def _recombine(parents: FloatArray, count: int, rng: np.random.Generator) -> FloatArray:
    """(count, d) Rows that take each coordinate from a parent drawn at random."""
    full = _fill(parents, rng)
    width = full.shape[1]
    parent = rng.integers(len(full), size=(count, width))
    mixed: FloatArray = full[parent, np.arange(width)]
    return mixed


def _fill(units: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Give inactive coordinates a random value, in case that a move makes them active."""
    return np.where(np.isnan(units), rng.random(units.shape), units)
