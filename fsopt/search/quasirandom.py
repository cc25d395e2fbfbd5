"""Quasirandom search: the points of a scrambled Sobol' sequence, which fill space evenly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.distinct import is_new, is_valid, replace_unusable
from fsopt.streams import stream

_SCRAMBLES = 16  # a space of which a quarter is feasible rarely needs more
_PERIOD = 2**30  # the sequence ends there


@dataclass(frozen=True, slots=True, kw_only=True)
class SobolSearch:
    """Takes trial ``i`` from point ``i`` of a scrambled Sobol' sequence.

    The scramble derives from the study's seed (Matousek, "On the L2-discrepancy for anchored
    boxes", J. Complexity 14, 1998). Since the trial number is the index of the point, any number
    of workers that never heard of each other draw one and the same sequence.

    A point that violates a constraint or was tried before gives way to the point of the same index
    in a second, third, ... 16th sequence, which are scrambled independently. If none of these can
    be used either, the trial is drawn at random.
    """

    kind: ClassVar[str] = "sobol"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        space = history.space
        units = np.empty((len(numbers), len(space)))
        usable = np.zeros(len(numbers), dtype=np.bool_)
        for scramble in range(_SCRAMBLES):
            missing = np.flatnonzero(~usable)
            if not len(missing):
                break
            indices = [numbers[place] for place in missing.tolist()]
            points = space.snap(sobol_points(len(space), indices, seed, scramble))
            taken = np.concatenate([history.taken, units[usable]])
            fits = is_valid(space, points) & is_new(points, taken)
            units[missing[fits]] = points[fits]
            usable[missing[fits]] = True
        return replace_unusable(units, usable, history, numbers, seed)


def sobol_points(
    dimensions: int, indices: Sequence[int], seed: int, scramble: int = 0
) -> FloatArray:
    """Points of a Sobol' sequence that the study's seed scrambles.

    Args:
        dimensions: The number of coordinates, d.
        indices: Which b points, counted from 0.
        seed: The study's seed.
        scramble: Which of the study's independently scrambled sequences.

    Returns:
        (b, d) The points, in [0, 1).
    """
    from scipy.stats.qmc import Sobol

    engine = Sobol(dimensions, scramble=True, seed=stream(seed, "sobol", scramble))
    wanted, places = np.unique(np.asarray(indices, dtype=np.int64) % _PERIOD, return_inverse=True)
    points = np.empty((len(wanted), dimensions))
    position = 0
    for row, index in enumerate(wanted):
        if index > position:  # scipy can't skip zero points at the begin
            engine.fast_forward(int(index) - position)
        points[row] = engine.random(1)[0]
        position = int(index) + 1
    result: FloatArray = points[places]
    return result
