"""Which share of a forest's variance each parameter and each pair of parameters explains.

Hutter, Hoos, Leyton-Brown, "An efficient approach for assessing hyperparameter importance", ICML
2014 (functional ANOVA). A regression tree is constant on boxes, so that its mean over all other
parameters is a step function, and all variances are exact sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsopt.figures.chart import FloatArray, IntArray
from fsopt.surrogate import Forest

INACTIVE = -1.0
"""Where trees see an inactive parameter."""


@dataclass(frozen=True, slots=True)
class Distribution:
    """How one parameter is distributed, independently of all others, in unit coordinates."""

    inactive: float = 0.0
    """The probability that it is inactive."""
    levels: int | None = None
    """Equally likely values in the middles of equal shares of [0, 1]; None for a continuum."""

    def below(self, at: FloatArray) -> FloatArray:
        """(k,) The probability of being at most each number (k,)."""
        inside = np.clip(at, 0.0, 1.0)
        if self.levels is not None:
            inside = np.floor(inside * self.levels + 0.5) / self.levels
        found: FloatArray = (at >= INACTIVE) * self.inactive + inside * (1 - self.inactive)
        return found


@dataclass(frozen=True, slots=True)
class Leaves:
    """The leaves of one tree as boxes: ``l`` leaves, ``d`` parameters."""

    low: FloatArray
    """(l, d) Configurations in a leaf are above this."""
    high: FloatArray
    """(l, d) And at most this."""
    values: FloatArray
    """(l,)"""


def leaves_of(tree: Any, dimensions: int) -> Leaves:
    """The leaves of a tree.

    Args:
        tree: scikit-learn's low-level tree.
        dimensions: The number of parameters.
    """
    low, high, values = [], [], []
    everywhere = np.full(dimensions, np.inf)
    stack = [(0, -everywhere, everywhere)]
    while stack:
        node, lower, upper = stack.pop()
        left, right = int(tree.children_left[node]), int(tree.children_right[node])
        if left == right:
            low.append(lower)
            high.append(upper)
            values.append(float(tree.value[node, 0, 0]))
            continue
        feature, threshold = int(tree.feature[node]), float(tree.threshold[node])
        before, after = upper.copy(), lower.copy()
        before[feature] = after[feature] = threshold
        stack += [(left, lower, before), (right, after, upper)]
    return Leaves(np.array(low), np.array(high), np.array(values))


@dataclass(frozen=True, slots=True)
class Importances:
    """Shares of the variance: ``t`` trees, ``d`` parameters, ``p`` pairs of them."""

    single: FloatArray
    """(t, d) By one parameter alone."""
    pairs: IntArray
    """(p, 2) Columns."""
    together: FloatArray
    """(t, p) By two parameters beyond what each explains alone."""


def fanova(forest: Forest, distributions: Sequence[Distribution]) -> Importances:
    """Decompose the variance of each tree of a forest; trees that do not vary are left out.

    Args:
        forest: Fitted to unit rows with d columns.
        distributions: Of the d parameters.
    """
    count = len(distributions)
    pairs = np.array(
        [(i, j) for i in range(count) for j in range(i + 1, count)], dtype=np.int64
    ).reshape(-1, 2)
    single, together = [], []
    for tree in forest.trees:
        shares = _of_tree(leaves_of(tree, count), distributions, pairs)
        if shares is not None:
            single.append(shares[0])
            together.append(shares[1])
    trees = len(single)
    return Importances(
        np.array(single).reshape(trees, count),
        pairs,
        np.array(together).reshape(trees, len(pairs)),
    )


def _of_tree(
    leaves: Leaves, distributions: Sequence[Distribution], pairs: IntArray
) -> tuple[FloatArray, FloatArray] | None:
    """The shares (d,) of parameters and (p,) of pairs; None if the tree does not vary."""
    cells = [_Cells.of(leaves, j, each) for j, each in enumerate(distributions)]
    weights = np.column_stack([cell.weights for cell in cells])
    mean = float(leaves.values @ weights.prod(axis=1))
    centred = leaves.values - mean
    variance = float(centred**2 @ weights.prod(axis=1))
    if variance <= 1e-12 * float(np.abs(leaves.values).max(initial=0.0)) ** 2:
        return None
    single = np.array(
        [
            cell.masses @ cell.spread(centred * np.delete(weights, j, axis=1).prod(axis=1)) ** 2
            for j, cell in enumerate(cells)
        ]
    )
    together = np.empty(len(pairs))
    for at, (i, j) in enumerate(pairs.tolist()):
        rest = centred * np.delete(weights, (i, j), axis=1).prod(axis=1)
        effect = _spread_pair(cells[i], cells[j], rest)
        both = float(cells[i].masses @ effect**2 @ cells[j].masses)
        together[at] = both - single[i] - single[j]
    return single / variance, np.maximum(together, 0.0) / variance


@dataclass(frozen=True, slots=True)
class _Cells:
    """The ``c`` intervals into which the leaves cut one parameter, and where each leaf lies."""

    masses: FloatArray
    """(c,) The probability of each interval."""
    first: IntArray
    """(l,) The first interval of each leaf."""
    last: IntArray
    """(l,) The interval after its last one."""
    weights: FloatArray
    """(l,) The probability of all its intervals."""

    @classmethod
    def of(cls, leaves: Leaves, column: int, distribution: Distribution) -> _Cells:
        low, high = leaves.low[:, column], leaves.high[:, column]
        cuts = np.unique(np.concatenate([low, high]))
        below = distribution.below(cuts)
        below[0], below[-1] = 0.0, 1.0  # everything lies between the infinities
        first, last = np.searchsorted(cuts, low), np.searchsorted(cuts, high)
        return cls(np.diff(below), first, last, below[last] - below[first])

    def spread(self, amounts: FloatArray) -> FloatArray:
        """(c,) In each interval, the sum of the amounts (l,) of the leaves that cover it."""
        steps = np.zeros(len(self.masses) + 1)
        np.add.at(steps, self.first, amounts)
        np.add.at(steps, self.last, -amounts)
        found: FloatArray = np.cumsum(steps)[:-1]
        return found


def _spread_pair(a: _Cells, b: _Cells, amounts: FloatArray) -> FloatArray:
    """(c_a, c_b) The same as `_Cells.spread` on a grid of two parameters."""
    steps = np.zeros((len(a.masses) + 1, len(b.masses) + 1))
    np.add.at(steps, (a.first, b.first), amounts)
    np.add.at(steps, (a.last, b.last), amounts)
    np.add.at(steps, (a.first, b.last), -amounts)
    np.add.at(steps, (a.last, b.first), -amounts)
    found: FloatArray = steps.cumsum(axis=0).cumsum(axis=1)[:-1, :-1]
    return found
