"""Who can be compared: fsopt's stoppers, and those of other packages that are installed."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from fsopt.bench.stopping.replay import Judge
from fsopt.errors import EvaluationError
from fsopt.stop import (
    ConstantStop,
    Curves,
    Decision,
    Hyperband,
    LearningCurveExtrapolation,
    MedianStop,
    Patience,
    PercentileStop,
    Stopper,
    SuccessiveHalving,
)


class OwnJudge:
    """A stopper of fsopt's; if there is none, every trial goes on."""

    def __init__(self, stopper: Stopper | None, seed: int) -> None:
        self._stopper = stopper
        self._seed = seed
        self._curves = Curves()

    def begin(self, trial: int, *, is_last: bool) -> None:
        """A trial begins."""
        self._curves.resume(trial)
        self._curves.is_full = is_last

    def report(self, trial: int, step: int, value: float) -> Decision:
        """Take in a value, and decide."""
        if self._stopper is None:
            return Decision.CONTINUE
        self._curves.report(trial, step, value)
        decision = self._stopper.decide(self._curves, trial, self._seed)
        if decision is Decision.PAUSE:
            self._curves.pause(trial)
        return decision

    def end(self, trial: int, value: float, *, is_complete: bool) -> None:
        """A trial goes on no more."""
        if math.isfinite(value):
            self._curves.end(trial)
        else:
            self._curves.fail(trial)

    def promote(self) -> int | None:
        """A paused trial that goes on now."""
        if self._stopper is None:
            return None
        promoted = self._stopper.promote(self._curves, self._seed)
        if not promoted:
            return None
        self._curves.resume(promoted[0])
        return promoted[0]


@dataclass(frozen=True, slots=True)
class Rival:
    """One that can be compared."""

    name: str
    distribution: str
    """The package, as it is installed and imported."""
    make: Callable[[int, int], Judge]
    """Makes its judge from the number of steps of a complete trial and the seed."""

    @property
    def is_installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.distribution) is not None


def _own(name: str, make: Callable[[int], Stopper | None]) -> Rival:
    return Rival(name, "fsopt", lambda steps, seed: OwnJudge(make(steps), seed))


def _optuna(name: str, pruner: str, **options: int) -> Rival:
    def make(steps: int, seed: int) -> Judge:
        from fsopt.bench.stopping.optuna_pruner import OptunaPruner

        return OptunaPruner(pruner, options, steps, seed)

    return Rival(name, "optuna", make)


def _deephyper(name: str, stopper: str) -> Rival:
    def make(steps: int, seed: int) -> Judge:
        from fsopt.bench.stopping.deephyper_stopper import DeepHyperStopper

        return DeepHyperStopper(stopper, steps)

    return Rival(name, "deephyper", make)


_RIVALS = (
    _own("none", lambda steps: None),
    _own("halving", lambda steps: SuccessiveHalving(max_steps=steps)),
    _own("halving-pause", lambda steps: SuccessiveHalving(max_steps=steps, pause=True)),
    _own("hyperband", lambda steps: Hyperband(max_steps=steps)),
    _own("hyperband-pause", lambda steps: Hyperband(max_steps=steps, pause=True)),
    _own("constant", lambda steps: ConstantStop(steps=1, finish=5, max_steps=steps)),
    _own("median", lambda steps: MedianStop(max_steps=steps)),
    _own("percentile-25", lambda steps: PercentileStop(percentile=25, max_steps=steps)),
    _own("extrapolation", lambda steps: LearningCurveExtrapolation(max_steps=steps)),
    _own("patience", lambda steps: Patience(steps=10, max_steps=steps)),
    _optuna("optuna-median", "MedianPruner"),
    _optuna("optuna-halving", "SuccessiveHalvingPruner", min_resource=1, reduction_factor=3),
    _optuna("optuna-hyperband", "HyperbandPruner", min_resource=1, reduction_factor=3),
    _deephyper("deephyper-median", "MedianStopper"),
    _deephyper("deephyper-halving", "SuccessiveHalvingStopper"),
)

RIVALS: Mapping[str, Rival] = {rival.name: rival for rival in _RIVALS}
"""All by name; with the settings that a user gets who names only the steps."""


def rival(name: str) -> Rival:
    """The one of this name.

    Raises:
        EvaluationError: If there is none.
    """
    if name not in RIVALS:
        raise EvaluationError(f"there is no stopper {name!r}; known are {', '.join(RIVALS)}")
    return RIVALS[name]
