"""Random search: independent uniform draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.history import FloatArray, History
from fsopt.search.distinct import is_new, replace_unusable
from fsopt.space import sample
from fsopt.streams import stream


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSearch:
    """Draws valid configurations uniformly, without repetition (Bergstra and Bengio, 2012).

    A trial's draw depends on its number and the study's seed alone, unless it was made before: so
    the trials are the same however many workers share them.
    """

    kind: ClassVar[str] = "random"

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        space = history.space
        draws = [sample(space, 1, stream(seed, "random", number)) for number in numbers]
        units = np.concatenate([np.empty((0, len(space))), *draws])
        return replace_unusable(units, is_new(units, history), history, numbers, seed)
