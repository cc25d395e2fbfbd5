"""Proposals by a surrogate without gradients: the best of many configurations looked at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from fsopt.history import BoolArray, FloatArray, History
from fsopt.search.acquisition import (
    Acquisition,
    ConfidenceBound,
    ExpectedImprovement,
    LogExpectedImprovement,
    ProbabilityOfImprovement,
)
from fsopt.search.candidates import candidates
from fsopt.search.distinct import is_new, is_valid, replace_unusable
from fsopt.search.estimate import restored, restored_deviation
from fsopt.search.explanation import Explanation
from fsopt.search.exploration import Exploration, Weights
from fsopt.search.genetic import evolve
from fsopt.search.objective import WORST, Tradeoff, ranks
from fsopt.search.parallel import STRATEGIES, fit_assuming
from fsopt.search.training import TrainingSet
from fsopt.search.transfer import Guide
from fsopt.space import same_rows
from fsopt.streams import stream
from fsopt.surrogate import (
    FORESTS,
    Fit,
    ForestOptions,
    Surrogate,
    fit_forest,
    fit_regressor,
)

_QUICK_TREES = 16  # few trees estimate a mean well enough to believe in
_LABELS = ForestOptions(trees=16)
_INCUMBENTS = 5
_CANDIDATES_PER_TRIAL = 20  # at least, in a large batch
_LOG_MARGINS = (-4.0, -2.0)  # from the bounds, to base 10, of numbers that others may propose
_LEAST_DEVIATION = 1e-9  # trees are certain at the data
_IMPURITY_DECAY = 0.2

_BY_NAME: Mapping[str, Callable[[float, Weights], Acquisition]] = {
    "ucb": lambda best, weights: ConfidenceBound(weights.kappa),
    "ei": lambda best, weights: ExpectedImprovement(best, weights.xi),
    "pi": lambda best, weights: ProbabilityOfImprovement(best, weights.xi),
    "logei": lambda best, weights: LogExpectedImprovement(best - weights.xi),
}

ACQUISITIONS = ("auto", *(name + end for name in _BY_NAME for end in ("", "d")))
"""The names of acquisitions; a `d` at the end stands for deterministic objectives, of which only
the epistemic uncertainty counts. ``"auto"`` is ``"ucbd"``."""

MAXIMIZERS = ("auto", "sampling", "genetic")
"""How the acquisition is maximised: by looking at candidates only, as ``"auto"`` does, or by
`fsopt.search.genetic.evolve`, which begins with these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How proposals are made; see `BayesianOptimizer`."""

    surrogate: str | ForestOptions
    acquisition: str
    exploration: Exploration
    parallel: str
    maximizer: str
    candidates: int
    design_size: int
    """How many trials the initial design has; the schedule of exploration begins after it."""
    tradeoff: Tradeoff | None = None
    """How several objectives become one value."""

    @property
    def forest(self) -> ForestOptions | None:
        """The forest's options, if it is a forest."""
        if isinstance(self.surrogate, ForestOptions):
            return self.surrogate
        return FORESTS.get(self.surrogate)

    def fits(self, stagnations: int) -> tuple[Fit, Fit]:
        """How the surrogate is fitted, and one that needs only an approximate mean."""
        forest = self.forest
        if forest is None:
            fit = partial(fit_regressor, name=str(self.surrogate))
            return fit, fit
        impurity = forest.min_impurity_decrease * _IMPURITY_DECAY**stagnations
        forest = replace(forest, min_impurity_decrease=impurity)
        quick = replace(forest, trees=min(forest.trees, _QUICK_TREES))
        return partial(fit_forest, options=forest), partial(fit_forest, options=quick)

    def acquisition_of(self, best: float, weights: Weights) -> Acquisition:
        """What a proposal maximises, given the smallest target and its weights."""
        return _BY_NAME[self.acquisition_name.removesuffix("d")](best, weights)

    def weights(self, number: int, parameters: int) -> Weights:
        """How much the proposal for a trial explores in a space of so many parameters."""
        return self.exploration.weights(number - self.design_size, parameters)

    @property
    def is_deterministic(self) -> bool:
        """Whether only the epistemic uncertainty counts."""
        return self.acquisition_name.endswith("d")

    @property
    def is_explicit(self) -> bool:
        """Whether an acquisition, or how it explores, was asked for."""
        return self.acquisition != "auto" or self.exploration != Exploration()

    @property
    def acquisition_name(self) -> str:
        """The acquisition, by itself the confidence bound."""
        return "ucbd" if self.acquisition == "auto" else self.acquisition


def suggest_sampled(history: History, numbers: Sequence[int], seed: int, plan: Plan) -> FloatArray:
    """Propose the best of many configurations.

    The surrogate is fitted to the ranks of the values, in which failed trials count as the worst.
    A second forest learns which configurations succeed: what is expected of a configuration is a
    mixture of the surrogate's prediction and, if it fails, the worst value for certain.

    Args:
        history: The study so far, in which at least one trial has a value.
        numbers: The trials to propose for.
        seed: The study's seed.
        plan: The options.

    Returns:
        (len(numbers), d) As `Optimizer.suggest`.

    Raises:
        InfeasibleSpaceError: If not enough configurations are left.
        StudyError: If a named regressor can't be used.
    """
    units = np.full((len(numbers), len(history.space)), np.nan)
    usable = np.zeros(len(numbers), dtype=np.bool_)
    several = history.Y.shape[1] > 1
    for part in STRATEGIES[plan.parallel].parts(len(numbers), several=several):
        wanted = [numbers[index] for index in part]
        rows = _propose(history, units[usable], wanted, seed, plan)
        found = slice(part.start, part.start + len(rows))
        units[found], usable[found] = rows, True
    return replace_unusable(units, usable, history, numbers, seed)


def explain_sampled(
    history: History, number: int, seed: int, unit: FloatArray, plan: Plan
) -> Explanation:
    """Why `suggest_sampled` made a proposal (d,); see `Explainer.explain`."""
    patience = plan.forest.patience if plan.forest else None
    data = TrainingSet.of(history, stream(seed, "weights", number), patience, plan.tradeoff)
    model = _Model.of(data, history.X_pending, plan, stream(seed, "forest", number))
    mean, deviation = model.moments(unit[np.newaxis])
    (wanted,) = _wanted(data, len(history.space), [number], seed, plan)
    values = history.Y[:, 0]
    single = history.Y.shape[1] == 1
    return Explanation(
        source="model",
        surrogate="forest" if plan.forest else str(plan.surrogate),
        mean=float(restored(mean, ranks(values), values)[0]) if single else None,
        deviation=float(restored_deviation(mean, deviation, ranks(values), values)[0])
        if single
        else None,
        acquisition=plan.acquisition_name,
        acquisition_value=float(wanted.value(mean, deviation)[0]),
    )


def _propose(
    history: History, proposed: FloatArray, numbers: Sequence[int], seed: int, plan: Plan
) -> FloatArray:
    """(k, d) Proposals beside those (b, d) of the same call, from one surrogate."""
    space = history.space
    patience = plan.forest.patience if plan.forest else None
    data = TrainingSet.of(history, stream(seed, "weights", numbers[0]), patience, plan.tradeoff)
    open_rows = np.concatenate([history.X_pending, proposed])
    model = _Model.of(data, open_rows, plan, stream(seed, "forest", numbers[0]))
    wanted = _wanted(data, len(space), numbers, seed, plan)
    rng = stream(seed, "candidates", numbers[0])
    pool = _pool(history, data.X[:_INCUMBENTS], proposed, numbers, plan.candidates, rng)
    guide = Guide.of(history, seed, numbers[0])
    if guide is not None:
        drawn = guide.draw(history, plan.candidates // 2, rng)
        pool = np.concatenate(
            [pool, drawn[~(same_rows(drawn, proposed) | same_rows(drawn, pool))]]
        )
    if not len(pool):
        return pool
    moments = model.moments(pool)
    if plan.maximizer == "genetic":
        first = wanted[0]

        def score(units: FloatArray) -> FloatArray:
            return first.value(*model.moments(units))

        def is_free(units: FloatArray) -> BoolArray:
            return ~(history.is_taken(units) | same_rows(units, proposed))

        found = evolve(score, is_free, space, pool, first.value(*moments), rng)
        pool = np.concatenate([pool, found])
        mean, deviation = map(np.append, moments, model.moments(found))
        moments = mean, deviation
    return pool[choose(*moments, wanted)]


def _pool(
    history: History,
    incumbents: FloatArray,
    proposed: FloatArray,
    numbers: Sequence[int],
    count: int,
    rng: np.random.Generator,
) -> FloatArray:
    """(c, d) Candidates that are not among the rows proposed (b, d) in the same call.

    If there are trials that this process knows nothing about yet, others may know and propose the
    same. Then of a finite space a random part is left to them, and numbers lie at random distances
    from their bounds, which are what independent candidates have in common.
    """
    space = history.space
    pool = candidates(history, incumbents, max(count, _CANDIDATES_PER_TRIAL * len(numbers)), rng)
    pool = pool[~same_rows(pool, proposed)]
    hidden = max(0, numbers[0] - history.ended - len(history.X_pending) - len(proposed))
    if not hidden:
        return pool
    if space.cardinality is not None:
        kept = max(len(pool) // (1 + hidden), len(numbers))
        return pool[np.sort(rng.permutation(len(pool))[:kept])]
    is_smooth = np.array([parameter.levels is None for parameter in space.parameters])
    margin = 10.0 ** rng.uniform(*_LOG_MARGINS, size=(2, *pool.shape))
    inside = np.clip(pool, margin[0], 1 - margin[1])
    moved = space.snap(np.where(is_smooth, inside, pool))
    return moved[is_valid(space, moved) & is_new(moved, history)]


def _wanted(
    data: TrainingSet, parameters: int, numbers: Sequence[int], seed: int, plan: Plan
) -> list[Acquisition]:
    """What the proposal for each trial maximises."""
    scheduled = STRATEGIES[plan.parallel].scheduled
    wanted = []
    for index, number in enumerate(numbers):
        weights = plan.weights(number, parameters)
        if index >= scheduled:
            weights = weights.scaled(stream(seed, "kappa", number).exponential())
        wanted.append(plan.acquisition_of(float(data.y[0]), weights))
    return wanted


def choose(mean: FloatArray, deviation: FloatArray, wanted: Sequence[Acquisition]) -> list[int]:
    """Choose a different candidate for each acquisition while there are any.

    Of candidates about which exactly the same is expected, as those in one cell of a forest, only
    one is chosen, unless there are no others left.

    Args:
        mean: (k,) What is expected of the candidates.
        deviation: (k,) Their standard deviations.
        wanted: What each proposal maximises.

    Returns:
        Indices of candidates.
    """
    chosen: list[int] = []
    _, cell = np.unique(mean + 1j * deviation, return_inverse=True)
    is_left, is_other = np.ones((2, len(mean)), dtype=np.bool_)
    for acquisition in wanted[: len(mean)]:
        allowed = is_other if is_other.any() else is_left
        value = np.where(allowed, acquisition.value(mean, deviation), -np.inf)
        best = int(np.argmax(value))
        chosen.append(best)
        is_left[best] = False
        is_other &= cell != cell[best]
    return chosen


@dataclass(frozen=True, slots=True)
class _Model:
    """What is thought of configurations."""

    surrogate: Surrogate
    success: Surrogate | None
    """Of labels 1 for success and 0 for failure, if there were failures."""
    is_deterministic: bool

    @classmethod
    def of(
        cls, data: TrainingSet, open_rows: FloatArray, plan: Plan, rng: np.random.Generator
    ) -> _Model:
        fit, quick_fit = plan.fits(data.stagnations)
        strategy = STRATEGIES[plan.parallel]
        surrogate = fit_assuming(data, open_rows, strategy, fit, quick_fit, rng)
        success = fit_forest(data.X, data.succeeded, rng, _LABELS) if data.failures else None
        return cls(surrogate, success, plan.is_deterministic)

    def moments(self, units: FloatArray) -> tuple[FloatArray, FloatArray]:
        """(k,) and (k,) The means and standard deviations of targets, the latter above 0.

        A configuration that fails has the worst target for certain: it raises the mean, and what
        is uncertain about its value is worth nothing.
        """
        found = self.surrogate.predict(units)
        mean = found.mean
        deviation = found.epistemic if self.is_deterministic else found.total
        if self.success is not None:
            chance = self.success.predict(units).mean
            mean = chance * mean + (1 - chance) * WORST
            deviation = chance * deviation
        return mean, np.maximum(deviation, _LEAST_DEVIATION)
