"""Random search: independent uniform draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.distinct import is_new, is_valid, replace_unusable
from fsopt.search.explanation import REPLACEMENT, Explanation
from fsopt.search.transfer import Guide
from fsopt.space import same_rows, sample
from fsopt.streams import stream

_DRAWS = 16  # from the prior, before a uniform one must do


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSearch:
    """Draws valid configurations uniformly, without repetition (Bergstra and Bengio, 2012).

    With a prior, it draws from that instead, a part of which is uniform.

    A trial's draw depends on its number and the study's seed alone, unless it was made before: so
    the trials are the same however many workers share them.
    """

    kind: ClassVar[str] = "random"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        space = history.space
        draws = [_draw(history, stream(seed, "random", number)) for number in numbers]
        units = np.concatenate([np.empty((0, len(space))), *draws])
        return replace_unusable(units, is_new(units, history), history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Whether a configuration is the trial's own draw, or another one; see `Explainer`."""
        draw = _draw(history, stream(seed, "random", number))
        if same_rows(draw, unit[np.newaxis])[0]:
            return Explanation(source="random draw")
        return Explanation(source=f"{REPLACEMENT}: the trial's own draw was not free")


def _draw(history: History, rng: np.random.Generator) -> FloatArray:
    """(1, d) A valid configuration, whatever was tried before."""
    space, guide = history.space, Guide.without_trials(history)
    if guide is not None:
        drawn = space.snap(guide.mixture.sample(_DRAWS, rng))
        valid = drawn[is_valid(space, drawn)][:1]
        if len(valid):
            return valid
    return sample(space, 1, rng)
