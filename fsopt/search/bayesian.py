"""Bayesian optimization, with a Gaussian process or a forest: the default optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History
from fsopt.search.beliefs import modelled_columns
from fsopt.search.choice import forest_fits_better
from fsopt.search.designs import DESIGNS, initial_design
from fsopt.search.explanation import Explainer, Explanation
from fsopt.search.exploration import Exploration
from fsopt.search.front import explain_front, suggest_front
from fsopt.search.gaussian import explain_gaussian, suggest_gaussian
from fsopt.search.objective import Tradeoff
from fsopt.search.parallel import STRATEGIES
from fsopt.search.rounding import one_thread
from fsopt.search.sampled import ACQUISITIONS, MAXIMIZERS, Plan, explain_sampled, suggest_sampled
from fsopt.search.transfer import Guide, guided, source_of
from fsopt.surrogate import FORESTS, ForestOptions, is_regressor_name

_SURROGATES = ("auto", "gp", *FORESTS)
_MOST_TRADED_OFF = 100  # trials, for each trade-off of which a fit from scratch takes 0.2 s
_DESIGN_SHARE = 4  # one of so many trials
_LARGE_BATCH = 64  # proposals of one call, of which each takes a Gaussian process some 0.1 s


@dataclass(frozen=True, slots=True, kw_only=True)
class BayesianOptimizer:
    """Proposes where a model of the objective expects, or hopes for, the best value.

    The first trials are an initial design, until enough have ended. From then on a model is fitted
    to them at each call.

    A Gaussian process is fitted to the values, and the expected improvement is maximised; see
    `fsopt.search.gaussian`, and for several objectives `fsopt.search.front`. It takes neither of
    the options `parallel` and `maximizer`.

    A forest, or another regressor, is fitted to the ranks of the values, in which failed trials
    count as the worst, and trials that still run as having the value that the model expects.
    Proposed is the candidate that the acquisition prefers; see `fsopt.search.sampled`.

    Raises:
        StudyError: If an option is out of range, or does not go with another.
    """

    initial_design: str = "sobol"
    """How the first trials are made: ``"sobol"``, ``"lhs"``, ``"halton"``, ``"grid"`` or
    ``"random"``; see `fsopt.search.designs`."""
    initial_trials: int | None = None
    """How many trials must have ended before the model takes over. If None, ``2 d + 1``, but of a
    study whose budget is known at most a quarter of it, and at least ``d + 1``; with earlier
    studies that are trusted ``d + 1``."""
    surrogate: str | ForestOptions = "auto"
    """The model: ``"gp"``, a Gaussian process; a forest, ``"extra_trees"`` (also ``"forest"``),
    ``"random_forest"``, ``"tree_bagging"``, ``"random_subspace"`` or one's own `ForestOptions`; or
    a regressor such as ``"sklearn.neighbors:KNeighborsRegressor"``. ``"auto"`` takes the Gaussian
    process, unless a forest predicts the trials much better (see `fsopt.search.choice`), more than
    64 configurations are wanted at once, or
    one of the options `parallel` and `maximizer` is given; then it takes the forest. So it does
    for more than 100 trials if several objectives become one value, to which the Gaussian process
    would be fitted anew each time."""
    acquisition: str = "auto"
    """What a proposal maximises: ``"ucb"``, a confidence bound, ``"ei"``, the expected
    improvement, ``"logei"``, its logarithm, or ``"pi"``, the probability of an improvement. With a
    `d` at the end, for deterministic objectives, only the uncertainty due to too little data
    counts; with the Gaussian process only that always counts. ``"auto"`` is ``"ucbd"`` for
    forests, and for the Gaussian process what `fsopt.search.gaussian` says."""
    exploration: Exploration = field(default_factory=Exploration)
    """How much the acquisition explores, from trial to trial."""
    parallel: str = "auto"
    """What is assumed about trials that still run and those of the same call, by
    `fsopt.search.parallel.STRATEGIES`: ``"believer"``, the values that are expected of them;
    ``"cl_min"``, ``"cl_mean"`` or ``"cl_max"``, the smallest and thus best, mean or largest value;
    ``"qucb"``, nothing, but each proposal draws how much it explores. ``"auto"`` believes and
    draws, and fits only once for all trials of a call."""
    maximizer: str = "auto"
    """``"sampling"`` takes the best of the candidates; ``"genetic"`` improves on them by a genetic
    algorithm. ``"auto"`` samples."""
    candidates: int = 2_000
    """How many configurations a proposal is chosen from."""
    tradeoff: Tradeoff | None = None
    """How several objectives become the one value that the model learns. If None, Gaussian
    processes learn each objective for itself (see `fsopt.search.front`), unless an acquisition or
    exploration is given; forests learn the default trade-off."""

    kind: ClassVar[str] = "bayesian"

    def __post_init__(self) -> None:
        known: dict[str, Sequence[str]] = {
            "initial_design": DESIGNS,
            "acquisition": ACQUISITIONS,
            "parallel": tuple(STRATEGIES),
            "maximizer": MAXIMIZERS,
        }
        for name, choices in known.items():
            if getattr(self, name) not in choices:
                raise StudyError(
                    f"{name} must be one of {', '.join(choices)}, not {getattr(self, name)!r}"
                )
        self._check_surrogate()
        if not isinstance(self.exploration, Exploration):
            raise StudyError(f"exploration must be fsopt.Exploration, not {self.exploration!r}")
        if not isinstance(self.tradeoff, Tradeoff | None):
            raise StudyError(f"tradeoff must be fsopt.Tradeoff or None, not {self.tradeoff!r}")
        for name in ("initial_trials", "candidates"):
            count = getattr(self, name)
            optional = name == "initial_trials" and count is None
            if not optional and (type(count) is not int or count < 1):
                raise StudyError(f"{name} must be an integer of 1 or more, not {count!r}")

    def _check_surrogate(self) -> None:
        given = self.surrogate
        if isinstance(given, ForestOptions):
            return
        if given not in _SURROGATES and not is_regressor_name(given):
            raise StudyError(
                f"surrogate must be one of {', '.join(_SURROGATES)}, fsopt.ForestOptions, or a "
                f"regressor such as sklearn.neighbors:KNeighborsRegressor, not {given!r}"
            )
        if given == "gp" and self._is_special():
            raise StudyError(
                "the surrogate gp has a maximizer and a way of proposing in parallel of its own; "
                "leave these options away, or choose a forest"
            )

    def _is_special(self) -> bool:
        """Whether there are options that a Gaussian process does not take."""
        return {self.parallel, self.maximizer} != {"auto"}

    def suggest(self, history: History, numbers: Sequence[int], seed: int) -> FloatArray:
        """Propose one configuration for each of the trial numbers; see `Optimizer.suggest`."""
        is_designed = history.ended >= self._design_size(history, seed)
        if not is_designed or not len(numbers) or not len(history.X):
            design = initial_design(self.initial_design, self._design_size(history, seed))
            return guided(design, history, numbers, seed)
        with one_thread():
            if self._takes_gaussian(history, numbers, seed):
                if self._keeps_apart(history):
                    return suggest_front(history, numbers, seed, self._plan(history, seed))
                return suggest_gaussian(history, numbers, seed, self._plan(history, seed))
            return suggest_sampled(history, numbers, seed, self._plan(history, seed))

    def explain(
        self, history: History, number: int, seed: int, unit: FloatArray
    ) -> Explanation | None:
        """Which part made a proposal and what was expected of it; see `Explainer`."""
        size = self._design_size(history, seed)
        if history.ended < size or not len(history.X):
            stage = f"initial design, {history.ended} of {size} trials ended"
            if told := source_of(history, number, seed, unit):
                return Explanation(source=f"{stage}: {told}")
            design = initial_design(self.initial_design, size)
            if not isinstance(design, Explainer):
                return Explanation(source=stage)
            point = design.explain(history, number, seed, unit)
            return point and replace(point, source=f"{stage}: {point.source}")
        with one_thread():
            if self._takes_gaussian(history, [number], seed):
                if self._keeps_apart(history):
                    return explain_front(history, number, seed, unit, self._plan(history, seed))
                return explain_gaussian(history, number, seed, unit, self._plan(history, seed))
            return explain_sampled(history, number, seed, unit, self._plan(history, seed))

    def _takes_gaussian(self, history: History, numbers: Sequence[int], seed: int) -> bool:
        if not modelled_columns(history.space).any():
            return False
        if self.surrogate != "auto":
            return self.surrogate == "gp"
        if self._is_special() or len(numbers) > _LARGE_BATCH:
            return False
        if history.Y.shape[1] > 1 and not self._keeps_apart(history):
            return history.ended <= _MOST_TRADED_OFF
        return not all(forest_fits_better(history, values, seed) for values in history.Y.T)

    def _keeps_apart(self, history: History) -> bool:
        """Whether each of several objectives and constraints has a model of its own."""
        chosen = self.tradeoff, self.acquisition, self.exploration
        several = history.Y.shape[1] + history.excess.shape[1] > 1
        return several and chosen == (None, "auto", Exploration())

    def _design_size(self, history: History, seed: int) -> int:
        if self.initial_trials is not None:
            return self.initial_trials
        least, most = len(history.space) + 1, 2 * len(history.space) + 1
        if history.budget is not None:
            most = min(most, max(least, history.budget // _DESIGN_SHARE))
        if history.prior and (history.ended < least or Guide.of(history, seed, 0) is not None):
            return least  # but not where the earlier studies have misled
        return most

    def _plan(self, history: History, seed: int) -> Plan:
        return Plan(
            surrogate="forest" if self.surrogate in ("auto", "gp") else self.surrogate,
            acquisition=self.acquisition,
            exploration=self.exploration,
            parallel=self.parallel,
            maximizer=self.maximizer,
            candidates=self.candidates,
            design_size=self._design_size(history, seed),
            tradeoff=self.tradeoff,
        )
