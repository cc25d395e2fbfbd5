"""A genetic algorithm that looks for what is wanted most, in any space.

It needs no gradient, moves numbers and choices together, and works on unit rows: what it makes is
snapped, has its conditions applied, and is dropped if it violates a constraint.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fsopt.history import BoolArray, FloatArray, row_hashes
from fsopt.search.candidates import fill, other_level
from fsopt.search.distinct import is_valid
from fsopt.space import Categorical, Space

POPULATION = 50
_GENERATIONS = 20  # at most
_PATIENCE = 6  # generations without improvement
_FEW_LEVELS = 20  # a number of fewer levels mutates to a neighbouring one
_CROSSED = 0.5  # of the coordinates of a pair
_SPREAD_CROSSED, _SPREAD_MUTATED = 15.0, 20.0  # distribution indices; greater means smaller moves


def evolve(
    score: Callable[[FloatArray], FloatArray],
    is_free: Callable[[FloatArray], BoolArray],
    space: Space,
    pool: FloatArray,
    values: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """Improve on the best of some configurations.

    In each generation pairs of parents, each the better of two drawn at random, have children by
    simulated binary crossover (Deb and Agrawal, Complex Systems 9, 1995) and polynomial mutation
    (Deb and Goyal, Computer Science and Informatics 26, 1996) of numbers, and by uniform crossover
    and random resetting of choices. The best of both generations live on. No configuration is
    looked at twice, and no more than a thousand are.

    Args:
        score: What (k,) unit rows (k, d) are worth.
        is_free: Which (k,) of the valid, snapped unit rows (k, d) may be proposed.
        space: The space.
        pool: (c, d) Free unit rows, of which the best are the first generation.
        values: (c,) What they are worth.
        rng: Source of randomness.

    Returns:
        (k, d) The free, distinct unit rows that were looked at and are not in the pool.
    """
    order = np.argsort(-values, kind="stable")[:POPULATION]
    alive, values = pool[order], values[order]
    seen = set(row_hashes(pool).tolist())
    found = [np.empty((0, len(space)))]
    idle = 0
    for _ in range(_GENERATIONS if len(alive) > 1 else 0):
        children = _new(space.snap(children_of(space, alive, POPULATION, rng)), seen)
        children = children[is_valid(space, children)]
        children = children[is_free(children)]
        found.append(children)
        worth = score(children) if len(children) else np.empty(0)
        idle = 0 if worth.max(initial=-np.inf) > values[0] else idle + 1
        both, worth = np.concatenate([alive, children]), np.concatenate([values, worth])
        order = np.argsort(-worth, kind="stable")[:POPULATION]
        alive, values = both[order], worth[order]
        if idle == _PATIENCE:
            break
    return np.concatenate(found)


def _new(units: FloatArray, seen: set[int]) -> FloatArray:
    """The rows (k, d) that were not seen before; they are now."""
    is_new = np.zeros(len(units), dtype=np.bool_)
    for row, item in enumerate(row_hashes(units).tolist()):
        if item not in seen:
            is_new[row] = True
            seen.add(item)
    return units[is_new]


def children_of(
    space: Space, alive: FloatArray, count: int, rng: np.random.Generator
) -> FloatArray:
    """(count, d) The rows of a new generation, neither snapped nor checked.

    Args:
        space: The space.
        alive: (p, d) The rows of the present one, best first; p >= 2.
        count: How many to make; an even number.
        rng: Source of randomness.
    """
    drawn = rng.integers(len(alive), size=(2, 2, count // 2))
    first, second = fill(alive[drawn.min(axis=0)], rng)
    categorical = np.array([isinstance(p, Categorical) for p in space.parameters])
    crossed = rng.random(first.shape) < _CROSSED
    blended = binary_crossover(first, second, rng)
    swapped = (second, first)
    pairs = [
        np.where(crossed, np.where(categorical, other, blend), parent)
        for parent, other, blend in zip((first, second), swapped, blended, strict=True)
    ]
    return _mutated(space, np.clip(np.concatenate(pairs), 0.0, 1.0), rng)


def _mutated(space: Space, units: FloatArray, rng: np.random.Generator) -> FloatArray:
    """The rows (k, d) with one coordinate changed in each on average, or none."""
    varying = [column for column, p in enumerate(space.parameters) if p.levels != 1]
    chosen = rng.random(units.shape) < 1 / max(len(varying), 1)
    moved = polynomial_mutation(units, rng)
    for column in varying:
        parameter = space.parameters[column]
        if parameter.levels is not None and parameter.levels <= _FEW_LEVELS:
            here = parameter.to_unit(parameter.from_unit(units[:, column]))
            moved[:, column] = other_level(parameter, here, moved[:, column], rng)
        elif isinstance(parameter, Categorical):
            moved[:, column] = rng.random(len(units))
    return np.where(chosen, moved, units)


def binary_crossover(
    first: FloatArray, second: FloatArray, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Two children of each pair of positions, on the line through both and around their centre.

    With ``u`` uniform on [0, 1) they are ``centre +- beta (second - first) / 2``, where
    ``beta = (2 u)^(1 / (eta + 1))`` for ``u < 1/2`` and ``(2 (1 - u))^(-1 / (eta + 1))`` else.
    """
    u = rng.random(first.shape)
    power = 1 / (_SPREAD_CROSSED + 1)
    beta = np.where(u < 0.5, (2 * u) ** power, (2 * (1 - u)) ** -power)
    centre, half = (first + second) / 2, (second - first) / 2
    return centre - beta * half, centre + beta * half


def polynomial_mutation(units: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Positions in [0, 1] moved by mostly small steps, which never leave it.

    With ``u`` uniform on [0, 1), a position ``x`` goes down to ``x (2 u)^(1 / (eta + 1))`` for
    ``u < 1/2``, and up to ``1 - (1 - x) (2 (1 - u))^(1 / (eta + 1))`` otherwise.
    """
    u = rng.random(units.shape)
    power = 1 / (_SPREAD_MUTATED + 1)
    down = units * (2 * np.minimum(u, 0.5)) ** power
    up = 1 - (1 - units) * (2 * np.minimum(1 - u, 0.5)) ** power
    moved: FloatArray = np.where(u < 0.5, down, up)
    return moved
