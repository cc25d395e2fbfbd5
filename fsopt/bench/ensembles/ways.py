"""Ways to make one prediction of a library's many."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from fsopt.bench.ensembles import peers
from fsopt.bench.ensembles.library import Library
from fsopt.ensemble import AGGREGATORS, Greedy, Loss, Selector, TopK, losses_of
from fsopt.predictions import Prediction

Make: TypeAlias = Callable[[Library], Prediction]
"""Returns what an ensemble of a library predicts for the rows to score by."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way to make an ensemble.

    Attributes:
        name: Its name.
        distribution: The package that does it.
        make: Does it.
    """

    name: str
    distribution: str
    make: Make


def _selected(selector: Callable[[Loss], Selector]) -> Make:
    """By the negative log-likelihood, of classes as of numbers."""

    def make(one: Library) -> Prediction:
        kind = one.valid[0].kind
        chosen = selector(losses_of(kind)[0]).select(one.split.y[1], one.valid)
        members = (one.test[number] for number in chosen.members)
        found = AGGREGATORS[kind].aggregate(members, chosen.weights)
        if kind == "probabilities":
            return Prediction(kind, found.prediction)
        return Prediction(kind, np.column_stack([found.prediction, found.std]))

    return make


WAYS: Mapping[str, Way] = {
    way.name: way
    for way in (
        Way("best", "fsopt", _selected(lambda loss: TopK(loss, 1))),
        Way("topk", "fsopt", _selected(TopK)),
        Way("greedy", "fsopt", _selected(Greedy)),
        Way("greedy-bags", "fsopt", _selected(lambda loss: Greedy(loss, bags=20))),
        Way("voting", "scikit-learn", peers.voting),
        Way("stacking", "scikit-learn", peers.stacking),
        Way("deephyper-topk", "deephyper", peers.deephyper_topk),
        Way("deephyper-greedy", "deephyper", peers.deephyper_greedy),
        Way("deephyper-greedy-25", "deephyper", peers.deephyper_greedy_25),
    )
}
"""By name."""
