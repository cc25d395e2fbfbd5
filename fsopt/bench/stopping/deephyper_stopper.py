"""DeepHyper's stoppers, told step by step.

Its ``LCModelStopper`` is not among them: it needs JAX and NumPyro.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fsopt.stop import Decision

_FAILED = "F_overflow"


@dataclass(frozen=True, slots=True)
class _Job:
    id: str
    storage: Any


class DeepHyperStopper:
    """A stopper for each trial, which share a storage.

    Args:
        stopper: The name of its class.
        steps: The steps of a complete trial.
    """

    def __init__(self, stopper: str, steps: int) -> None:
        from deephyper import stopper as stoppers
        from deephyper.evaluator.storage import MemoryStorage

        self._make = getattr(stoppers, stopper)
        self._steps = steps
        self._storage = MemoryStorage()
        self._storage.connect()
        self._search = self._storage.create_new_search()
        self._stoppers: dict[int, Any] = {}

    def begin(self, trial: int, *, is_last: bool) -> None:
        """A trial begins."""
        made = self._make(max_steps=self._steps)
        made.job = _Job(self._storage.create_new_job(self._search), self._storage)
        self._stoppers[trial] = made

    def report(self, trial: int, step: int, value: float) -> Decision:
        """Take in a value, upside down, and ask."""
        stopper = self._stoppers[trial]
        stopper.observe(step, -value if math.isfinite(value) else _FAILED)
        return Decision.STOP if stopper.stop() else Decision.CONTINUE

    def end(self, trial: int, value: float, *, is_complete: bool) -> None:
        """A trial goes on no more."""
        stopper = self._stoppers.pop(trial)
        output = -value if math.isfinite(value) else _FAILED
        self._storage.store_job_out(stopper.job.id, output)

    def promote(self) -> int | None:
        """None: DeepHyper pauses nothing."""
        return None
