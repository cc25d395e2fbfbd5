"""Valid configurations at random or one after the other, and which of them are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import InfeasibleSpaceError, SpaceError
from fsopt.space.rules import rule_text
from fsopt.space.scales import FloatArray
from fsopt.space.space import Space

MAX_DRAWS = 2**20
"""How many configurations `sample` draws before it gives up, beyond eight for each one wanted."""

MAX_ENUMERATED = 2**20
"""Up to this many combinations are tried one by one if drawing finds none that is valid."""

_DRAWS_PER_ROW = 8
_FIRST_BATCH = 64
_BATCH_GROWTH = 4
_BATCH_CELLS = 2**21  # 16 MiB for each array of a batch
_MOVES_MADE = 5  # by each parameter of a random walk, on average
_MOVES_TRIED = 1000  # at most, and fewer for many walks in many dimensions:
_WALK_CELLS = 2**26
_DIAGNOSTIC_DRAWS = 4096
_DECIMALS = 12  # to which unit rows are compared
_INACTIVE = -1.0  # stands for NaN, which does not equal itself; no position is negative


def sample(space: Space, n: int, rng: np.random.Generator) -> FloatArray:
    """Draw valid configurations from the space's own distribution.

    Rows are drawn uniformly from the unit cube, and those that violate a constraint are rejected.
    If that yields too few, the rest come from random walks that start at those found: again and
    again a random coordinate is drawn anew, and the move is made if it leads to a valid
    configuration. This is the algorithm of Metropolis et al. (1953) for the uniform distribution
    on the valid set; its results depend on each other. If no draw was valid, a small space is
    searched completely.

    Args:
        space: The space.
        n: How many to draw.
        rng: The source of randomness.

    Returns:
        (n, d) Valid unit rows; they need not differ.

    Raises:
        InfeasibleSpaceError: If none was found; it says how often each constraint was satisfied.
        SpaceError: If a function of the space is missing or raises.
    """
    if n < 0:
        raise SpaceError(f"the number of configurations to draw can't be negative: {n}")
    found, drawn = _draw(space, n, rng)
    if len(found) == n:
        return found
    if len(found) == 0:
        valid = enumerate_all(space, MAX_ENUMERATED)
        if valid is None or len(valid) == 0:
            raise _infeasible(space, drawn, rng, exhausted=valid is not None)
        return valid[rng.integers(len(valid), size=n)]
    starts = found[rng.integers(len(found), size=n - len(found))]
    return np.concatenate([found, _walk(space, starts, rng)])


def enumerate_all(space: Space, limit: int) -> FloatArray | None:
    """All different valid configurations of a small discrete space, in a fixed order.

    Args:
        space: The space.
        limit: The largest `Space.cardinality` to go through.

    Returns:
        (k, d) Unit rows, in lexicographic order of the levels; None if there are more combinations
        than the limit.

    Raises:
        SpaceError: If a function of the space is missing or raises.
    """
    if space.cardinality is None or space.cardinality > limit:
        return None
    size = _batch_size(space)
    parts = []
    for start in range(0, space.cardinality, size):
        stop = min(start + size, space.cardinality)
        valid = _valid(space, _combinations(space, np.arange(start, stop)))
        parts.append(valid[unique_rows(valid)])
    everything = np.concatenate(parts)
    return everything[unique_rows(everything)]


def unique_rows(U: FloatArray) -> NDArray[np.intp]:
    """Indices, ascending, of the first occurrence of each different row of (n, d)."""
    if len(U) < 2:
        return np.arange(len(U))
    _, first = np.unique(_keys(U), return_index=True)
    return np.sort(first)


def same_rows(A: FloatArray, B: FloatArray) -> NDArray[np.bool_]:
    """(n,) Which rows of ``A`` (n, d) also occur in ``B`` (m, d)."""
    return np.isin(_keys(A), _keys(B))


def _draw(space: Space, n: int, rng: np.random.Generator) -> tuple[FloatArray, int]:
    """At most ``n`` valid unit rows, by rejection, and the number of draws that it took."""
    parts = [np.empty((0, len(space)))]
    missing, drawn = n, 0
    size = max(n, _FIRST_BATCH) if space.constraints else n
    while missing and drawn < MAX_DRAWS + _DRAWS_PER_ROW * n:
        size = min(size, _batch_size(space))
        parts.append(_valid(space, rng.random((size, len(space))))[:missing])
        missing -= len(parts[-1])
        drawn += size
        size *= _BATCH_GROWTH
        if missing == n and drawn > _DRAWS_PER_ROW * (space.cardinality or drawn):
            break  # going through all combinations is faster
    return np.concatenate(parts), drawn


def _walk(space: Space, U: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Where a random walk from each of the valid unit rows (n, d) ends."""
    count, dimension = U.shape
    made = 0
    for _ in range(min(_MOVES_TRIED, _WALK_CELLS // U.size)):
        if made >= _MOVES_MADE * U.size:
            break
        # an inactive parameter that a move makes active must be as random as the others
        proposed = np.where(np.isnan(U), rng.random(U.shape), U)
        proposed[np.arange(count), rng.integers(dimension, size=count)] = rng.random(count)
        rows = space.from_unit(proposed)
        valid = space.satisfies(rows)
        U[valid] = space.to_unit(rows[valid])
        made += int(np.count_nonzero(valid))
    return U


def _valid(space: Space, U: FloatArray) -> FloatArray:
    rows = space.from_unit(U)
    return space.to_unit(rows[space.satisfies(rows)])


def _combinations(space: Space, numbers: NDArray[np.int64]) -> FloatArray:
    """The unit rows of combinations of levels, numbered so that the last column runs fastest."""
    rows = np.empty((len(numbers), len(space)))
    for i, parameter in reversed(list(enumerate(space.parameters))):
        numbers, levels = np.divmod(numbers, parameter.levels or 1)
        rows[:, i] = parameter.at_levels(levels.astype(np.float64))
    return space.to_unit(rows)


def _batch_size(space: Space) -> int:
    return max(1, _BATCH_CELLS // len(space))


def _infeasible(
    space: Space, drawn: int, rng: np.random.Generator, *, exhausted: bool
) -> InfeasibleSpaceError:
    tried = f"all {space.cardinality:,} combinations" if exhausted else f"{drawn:,} random draws"
    rows = space.from_unit(rng.random((_DIAGNOSTIC_DRAWS, len(space))))
    shares = space.satisfies_each(rows).mean(axis=0)
    listed = "; ".join(
        f"{rule_text(rule)!r} held in {share:.2%}"
        for rule, share in zip(space.constraints, shares, strict=True)
    )
    return InfeasibleSpaceError(
        f"none of {tried} satisfies the constraints; relax them. Of {_DIAGNOSTIC_DRAWS:,} draws, "
        f"{listed}"
    )


def _keys(U: FloatArray) -> NDArray[Any]:
    """One item of opaque bytes for each row; equal if the rows agree to twelve decimals."""
    rounded = np.round(np.where(np.isnan(U), _INACTIVE, U), _DECIMALS) + 0.0  # no -0.0
    rows = np.ascontiguousarray(rounded, dtype=np.float64)
    return rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1]))).ravel()
