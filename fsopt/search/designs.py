"""What is tried before there is enough to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from fsopt.errors import SpaceError, StudyError
from fsopt.history import FloatArray, History
from fsopt.search.base import Optimizer
from fsopt.search.grid import GridSearch
from fsopt.search.latin import LatinHypercubeSearch
from fsopt.search.quasirandom import HaltonSearch, SobolSearch
from fsopt.search.random import RandomSearch

DESIGNS = ("sobol", "lhs", "halton", "grid", "random")
"""The names of the initial designs."""


def initial_design(kind: str, trials: int) -> Optimizer:
    """The optimizer that proposes the first trials of a study.

    It serves any trial number and never runs out before the space does: many workers may begin
    more trials than the design is for.

    Args:
        kind: One of `DESIGNS`.
        trials: For how many trials it is made, at least 1.

    Raises:
        StudyError: If the kind is unknown.
    """
    makers: dict[str, Optimizer] = {
        "sobol": SobolSearch(),
        "lhs": LatinHypercubeSearch(points=trials),
        "halton": HaltonSearch(),
        "grid": _GridThenRandom(),
        "random": RandomSearch(),
    }
    if kind not in makers:
        known = ", ".join(DESIGNS)
        raise StudyError(f"initial_design must be one of {known}, not {kind!r}")
    return makers[kind]


@dataclass(frozen=True, slots=True)
class _GridThenRandom:
    """A shuffled grid while there are points for the whole request, then random draws."""

    kind: ClassVar[str] = "grid"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        try:
            return GridSearch().suggest(history, numbers, seed)
        except SpaceError:  # whatever is wrong with the space itself is raised again
            return RandomSearch().suggest(history, numbers, seed)
