"""NSGA-II: the trials of the best fronts have children, the rest are forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History, IntArray, row_hashes
from fsopt.moo.pareto import crowding, fronts
from fsopt.search.distinct import is_valid, replace_unusable
from fsopt.search.explanation import Explanation
from fsopt.search.genetic import children_of
from fsopt.search.objective import violations
from fsopt.search.random import RandomSearch
from fsopt.streams import stream

_CHILDREN = 8  # of which the first that can be used is proposed


@dataclass(frozen=True, slots=True, kw_only=True)
class NSGA2:
    """Recombines and changes configurations of the best fronts, for several objectives.

    Deb, Pratap, Agarwal, Meyarivan, "A fast and elitist multiobjective genetic algorithm:
    NSGA-II", IEEE Trans. Evol. Comput. 6, 2002. The population are the best of all completed
    trials: by the front that they are in, and within the last front by the crowding distance. Of
    two drawn at random the better one becomes a parent; of two parents come children by simulated
    binary crossover and polynomial mutation of numbers, and by exchanging and redrawing choices
    (`fsopt.search.genetic`).

    There are no generations that all would have to wait for: each proposal begins with the
    population as it is known then. Until there is a whole one, configurations are drawn at random;
    failed trials never have children.

    Raises:
        StudyError: If an option is out of range.
    """

    population: int = 50
    """How many of the best trials may have children."""

    kind: ClassVar[str] = "nsga2"

    def __post_init__(self) -> None:
        if type(self.population) is not int or self.population < 2:
            raise StudyError(
                f"population must be an integer of 2 or more, not {self.population!r}"
            )

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        if len(history.X) < self.population or not len(numbers):
            return RandomSearch().suggest(history, numbers, seed)
        space = history.space
        alive = history.X[survivors(history.Y, history.excess, self.population)]
        units = np.full((len(numbers), len(space)), np.nan)
        usable = np.zeros(len(numbers), dtype=np.bool_)
        proposed: set[int] = set()
        for index, number in enumerate(numbers):
            children = children_of(space, alive, _CHILDREN, stream(seed, "nsga2", number))
            children = space.snap(children)
            fits = is_valid(space, children) & ~history.is_taken(children)
            hashes = row_hashes(children).tolist()
            for child in np.flatnonzero(fits).tolist():
                if hashes[child] not in proposed:
                    units[index], usable[index] = children[child], True
                    proposed.add(hashes[child])
                    break
        return replace_unusable(units, usable, history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Of how many trials the parents were drawn; see `Explainer`."""
        if len(history.X) < self.population:
            some = f"{len(history.X)} of the first {self.population} trials have completed"
            return Explanation(source=f"random draw: {some}")
        return Explanation(source=f"a child of two of the best {self.population} trials")


def survivors(Y: FloatArray, excess: FloatArray, count: int) -> IntArray:
    """The indices of the best points, best first.

    What violates constraints on outcomes is dominated by all that does not, and by what violates
    them less (Deb et al., section VI.A).

    Args:
        Y: (n, m) Values to be minimised.
        excess: (n, c) By how much constraints are violated, where positive.
        count: How many; fewer come out if there are fewer.
    """
    front = np.zeros(len(Y), dtype=np.int64)
    violation = violations(excess)
    allowed = violation == 0
    front[allowed] = fronts(Y[allowed])
    _, worse = np.unique(violation[~allowed], return_inverse=True)
    front[~allowed] = front[allowed].max(initial=-1) + 1 + worse
    chosen: list[IntArray] = []
    for number in range(front.max(initial=-1) + 1):
        members = np.flatnonzero(front == number)
        sparse_first = np.argsort(-crowding(Y[members]), kind="stable")
        chosen.append(members[sparse_first])
        if sum(map(len, chosen)) >= count:
            break
    best = np.concatenate(chosen) if chosen else np.empty(0, dtype=np.int64)
    return best[:count]
