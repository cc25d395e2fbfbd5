"""The same few steps for all, and the rest for the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from fsopt.stop.base import Decision, check_count
from fsopt.stop.curves import Curves, best_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantStop:
    """Every trial has the same number of steps; then the best of them are finished.

    Egele, Mohr, Viering, Balaprakash, "The unreasonable effectiveness of early discarding after
    one epoch in neural network hyperparameter optimization", Neurocomputing 597 (2024): training
    all for some epochs and finishing the best few is hard to beat by cleverer rules.

    With ``finish``, trials pause after these steps. When no more begin and all others have paused
    or ended, the best are promoted and go on to their end.

    Raises:
        StudyError: If an option is out of range.
    """

    steps: int
    """How many steps every trial has."""
    finish: int = 0
    """How many of the best trials go on; if 0, all stop."""
    max_steps: int | None = None
    """The steps of a complete trial, if not the objective knows them."""

    kind: ClassVar[str] = "constant"

    def __post_init__(self) -> None:
        check_count("steps", self.steps)
        check_count("finish", self.finish, 0)
        check_count("max_steps", self.max_steps, self.steps, optional=True)

    @property
    def pauses(self) -> bool:
        """Whether it may pause a trial."""
        return self.finish > 0

    def decide(self, curves: Curves, trial: int, seed: int) -> Decision:
        """What becomes of a trial; see `Stopper.decide`."""
        before, step = curves.last_steps(trial)
        is_over = self.max_steps is not None and step >= self.max_steps
        if is_over or (not self.finish and step >= self.steps):
            return Decision.STOP
        if not before < self.steps <= step:
            return Decision.CONTINUE
        return Decision.CONTINUE if trial in self._finalists(curves) else Decision.PAUSE

    def promote(self, curves: Curves, seed: int) -> list[int]:
        """The paused trials that are to go on; see `Stopper.promote`."""
        paused = set(curves.numbers[curves.is_paused].tolist())
        return [trial for trial in self._finalists(curves) if trial in paused]

    def _finalists(self, curves: Curves) -> list[int]:
        """The trials that go on, the best first; none while it is not known."""
        values = curves.at(self.steps)
        is_here = ~np.isnan(values)
        if not (curves.is_full and (is_here | curves.has_ended | curves.is_paused).all()):
            return []
        rows = np.flatnonzero(np.isfinite(values))
        rows = rows[best_rows(values[rows], curves.numbers[rows], self.finish)]
        order = np.lexsort((curves.numbers[rows], values[rows]))
        finalists: list[int] = curves.numbers[rows[order]].tolist()
        return finalists
