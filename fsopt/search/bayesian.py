"""Bayesian optimization, with a Gaussian process or a forest: the default optimizer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import ClassVar

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History
from fsopt.search.acquisition import lower_confidence_bound, periodic_decay
from fsopt.search.candidates import candidates
from fsopt.search.distinct import replace_unusable
from fsopt.search.explanation import Explanation
from fsopt.search.gaussian import modelled_columns, suggest_gaussian
from fsopt.search.quasirandom import SobolSearch
from fsopt.search.rounding import one_thread
from fsopt.search.training import TrainingSet, fit_believing
from fsopt.space import Constant, Float, Int, Space
from fsopt.streams import stream
from fsopt.surrogate import ForestOptions, Prediction, Surrogate, fit_forest

_BELIEVER_TREES = 16  # few trees estimate a mean well enough to believe in
_MAX_FEATURES = 0.5  # so that all parameters are split, and minor ones are explored as well
_INCUMBENTS = 5
_CANDIDATES_PER_TRIAL = 20  # at least, in a large batch

_SURROGATES = ("auto", "gp", "forest")
_GAUSSIAN_ROWS = 300
_GAUSSIAN_COST = 800_000  # rows^2 * (parameters + 5): 0.2 s a proposal on one core


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianOptimizer:
    """Proposes where a model of the objective expects, or hopes for, the best value.

    The first trials are the points of a Sobol' sequence, until enough have ended. From then on a
    model is fitted to them at each call.

    A Gaussian process is fitted to the values, and the expected improvement is maximised; see
    `fsopt.search.gaussian`.

    A forest is fitted to the ranks of the values, in which failed trials count as the worst, and
    trials that still run as having the value that the model expects. Proposed is the candidate
    with the smallest lower confidence bound. All trials of one call share one forest. The first
    explores as the schedule says; each other draws its exploration weight from an exponential
    distribution with that mean (qUCB: Egele et al., 2023), and takes the best candidate that is
    left.

    Raises:
        StudyError: If an option is out of range.
    """

    initial_design: int | None = None
    """How many trials must have ended before the model takes over; ``2 d + 1`` if None."""
    surrogate: str = "auto"
    """The model: ``"gp"``, a Gaussian process, or ``"forest"``. ``"auto"`` takes the Gaussian
    process where every parameter is a number and always active, while a proposal takes no longer
    than 0.2 s, to about 280 trials of five parameters and 180 of twenty; otherwise the forest."""
    trees: int = 64
    """The size of the forest."""
    kappa: float = 1.96
    """How much uncertainty attracts the forest's search at the begin of each period; see
    `periodic_decay`."""
    kappa_final: float = 0.3
    """How much it still attracts at the end of each period."""
    period: int = 10
    """After how many trials exploration begins anew."""
    candidates: int = 2_000
    """How many configurations a proposal is chosen from."""

    kind: ClassVar[str] = "bayesian"

    def __post_init__(self) -> None:
        if self.surrogate not in _SURROGATES:
            known = ", ".join(_SURROGATES)
            raise StudyError(f"surrogate must be one of {known}, not {self.surrogate!r}")
        for name in ("initial_design", "trees", "period", "candidates"):
            count = getattr(self, name)
            optional = name == "initial_design" and count is None
            if not optional and (type(count) is not int or count < 1):
                raise StudyError(f"{name} must be an integer of 1 or more, not {count!r}")
        for name in ("kappa", "kappa_final"):
            weight = getattr(self, name)
            if type(weight) not in (int, float) or not 0 < weight < math.inf:
                raise StudyError(f"{name} must be a positive number, not {weight!r}")

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        is_designed = history.ended >= self._design_size(history)
        if not is_designed or not len(numbers) or not len(history.X):
            return SobolSearch().suggest(history, numbers, seed)
        with one_thread():
            if self._takes_gaussian(history, len(numbers)):
                return suggest_gaussian(history, numbers, seed, self.candidates)
            return self._suggest_forest(history, numbers, seed)

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Whether a configuration is of the initial design; see `Explainer`."""
        size = self._design_size(history)
        if history.ended >= size and len(history.X):
            return Explanation(source="model")
        point = SobolSearch().explain(history, number, seed, unit)
        stage = f"initial design, {history.ended} of {size} trials ended"
        return None if point is None else replace(point, source=f"{stage}: {point.source}")

    def _takes_gaussian(self, history: History, wanted: int) -> bool:
        varying = int(np.count_nonzero(modelled_columns(history.space)))
        if self.surrogate != "auto" or varying == 0:
            return self.surrogate == "gp" and varying > 0
        if not _is_numeric(history.space):
            return False
        rows = history.ended + len(history.X_pending) + wanted
        return rows <= _GAUSSIAN_ROWS and rows**2 * (varying + 5) <= _GAUSSIAN_COST

    def _suggest_forest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        data = TrainingSet.of(history, stream(seed, "weights", numbers[0]))
        model = self._fit(data, history.X_pending, stream(seed, "forest", numbers[0]))
        count = max(self.candidates, _CANDIDATES_PER_TRIAL * len(numbers))
        rng = stream(seed, "candidates", numbers[0])
        pool = candidates(history, data.X[:_INCUMBENTS], count, rng)
        phases = [number - self._design_size(history) for number in numbers]
        chosen = self._choose(model.predict(pool), numbers, phases, seed)
        units = np.full((len(numbers), len(history.space)), np.nan)
        units[: len(chosen)] = pool[chosen]
        usable = np.arange(len(numbers)) < len(chosen)
        return replace_unusable(units, usable, history, numbers, seed)

    def _design_size(self, history: History) -> int:
        return 2 * len(history.space) + 1 if self.initial_design is None else self.initial_design

    def _fit(self, data: TrainingSet, pending: FloatArray, rng: np.random.Generator) -> Surrogate:
        trees = (self.trees, min(self.trees, _BELIEVER_TREES))
        fit, quick_fit = (
            partial(fit_forest, options=ForestOptions(trees=count, max_features=_MAX_FEATURES))
            for count in trees
        )
        return fit_believing(data.thinned(rng), pending, fit, quick_fit, rng)

    def _choose(
        self, prediction: Prediction, numbers: Sequence[int], phases: Sequence[int], seed: int
    ) -> list[int]:
        """The indices of different candidates, one for each trial while there are any."""
        chosen: list[int] = []
        for index in range(min(len(numbers), len(prediction.mean))):
            kappa = periodic_decay(phases[index], self.kappa, self.kappa_final, self.period)
            if index > 0:
                kappa *= stream(seed, "kappa", numbers[index]).exponential()
            bound = lower_confidence_bound(prediction.mean, prediction.epistemic, kappa)
            bound[chosen] = np.inf
            chosen.append(int(np.argmin(bound)))
        return chosen


def _is_numeric(space: Space) -> bool:
    """Whether every parameter that varies is a number and always active."""
    numbers = all(isinstance(p, Float | Int | Constant) for p in space.parameters)
    return numbers and not space.conditions
