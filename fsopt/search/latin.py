"""Latin hypercubes: designs of a known size, even in every single parameter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History
from fsopt.search.explanation import Explanation
from fsopt.search.quasirandom import Points, explain_point, suggest_points
from fsopt.streams import stream

_POINTS_PER_DIMENSION = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class LatinHypercubeSearch:
    """Takes each run of N trials from a Latin hypercube of N points.

    Each Nth part of a parameter's range has exactly one of the N points (McKay, Beckman, Conover,
    Technometrics 21, 1979). The next N trials come from another hypercube, drawn independently:
    the first of them is the better design the closer N is to the number of trials. Points that
    can't be used give way as in `SobolSearch`.

    Raises:
        StudyError: If an option is out of range.
    """

    points: int | None = None
    """N; ten for each parameter if None (Loeppky, Sacks, Welch, Technometrics 51, 2009)."""

    kind: ClassVar[str] = "lhs"

    def __post_init__(self) -> None:
        if self.points is not None and (type(self.points) is not int or self.points < 1):
            raise StudyError(f"points must be an integer of 1 or more, not {self.points!r}")

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        return suggest_points(self._points(history), history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Of which run of hypercubes a configuration is a point; see `Explainer`."""
        name = "sequence of Latin hypercubes"
        return explain_point(self._points(history), name, history, number, seed, unit)

    def _points(self, history: History) -> Points:
        size = self.points or _POINTS_PER_DIMENSION * len(history.space)
        return partial(_latin_points, size)


def _latin_points(
    size: int, dimensions: int, indices: Sequence[int], seed: int, scramble: int
) -> FloatArray:
    """(b, d) Points of a sequence of hypercubes; see `Points`."""
    points = np.empty((len(indices), dimensions))
    for place, index in enumerate(indices):
        cube, row = divmod(index, size)
        points[place] = _hypercube(size, dimensions, seed, scramble, cube)[row]
    return points


@lru_cache(maxsize=64)
def _hypercube(size: int, dimensions: int, seed: int, scramble: int, cube: int) -> FloatArray:
    """(size, d) One of the study's hypercubes."""
    from scipy.stats.qmc import LatinHypercube

    points: FloatArray = LatinHypercube(
        dimensions, seed=stream(seed, f"lhs {scramble}", cube)
    ).random(size)
    points.setflags(write=False)
    return points
