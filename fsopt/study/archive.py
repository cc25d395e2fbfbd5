"""The history of a study for its optimizer, kept up to date trial by trial."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fsopt.errors import PriorError
from fsopt.events import PriorRegistered
from fsopt.history import Arrays, BoolArray, FloatArray, History, TakenSet
from fsopt.objectives import Objectives
from fsopt.prior import EarlierStudy
from fsopt.prior.source import from_data
from fsopt.space import Space
from fsopt.state import TrialState
from fsopt.state.changes import Changes
from fsopt.state.table import TrialTable
from fsopt.study.stopping import is_stopped_for_now

_BATCH = 2**17  # trials that are read together


class Archive:
    """Follows a table of trials, from the first time that somebody asks for its history.

    What it tells is a function of the set of trials in the table alone: not of when it was asked,
    nor of what the table held before. A trial that a stopper has paused counts with its last
    value, as it would if it were stopped: it may wait for as long as the study goes on.
    """

    def __init__(
        self,
        trials: TrialTable,
        space: Space,
        objectives: Objectives,
        *,
        noisy: bool | None = None,
        stops: bool = False,
    ) -> None:
        self._noisy = noisy
        self._stops = stops
        self._trials = trials
        self._space = space
        self._objectives = objectives
        self._changes: Changes | None = None
        self._taken = TakenSet()
        self._prior: dict[str, EarlierStudy | None] = {}

    def history(
        self, budget: int | None = None, priors: Iterable[PriorRegistered] = ()
    ) -> History:
        """The study as it is now, which shall have so many trials, and what others teach."""
        if self._changes is None:
            self._changes = self._trials.watch()
            self._changes.was_revised = True
        changed = self._changes.drain()
        if self._changes.was_revised:
            # A configuration that a trial no longer has may be given out again. That is so rare
            # that the set need not be able to forget.
            self._changes.was_revised = False
            self._taken = TakenSet()
            changed = np.array(self._trials.numbers(), dtype=np.int64)
        for start in range(0, len(changed), _BATCH):
            found = self._trials.configurations(changed[start : start + _BATCH])
            self._taken.add(self._space.to_unit(found.rows))
        prior = self._earlier_studies(priors)
        return History.of(self._space, self, noisy=self._noisy, budget=budget, prior=prior)

    def _earlier_studies(self, priors: Iterable[PriorRegistered]) -> tuple[EarlierStudy, ...]:
        """Those that were registered, by id, without any that does not fit the space."""
        for event in priors:
            if event.id not in self._prior:
                self._prior[event.id] = _read(event, self._space)
        found = (self._prior[key] for key in sorted(self._prior))
        return tuple(study for study in found if study is not None)

    @property
    def ended(self) -> int:
        """How many trials have values or failed."""
        counts = self._trials.count_fitting()
        finished = sum(many for state, many in counts.items() if state.is_finished)
        waiting = self._waiting()
        if not waiting:
            return finished
        numbers = np.array(sorted(waiting), dtype=np.int64)
        return finished + len(self._trials.configurations(numbers).numbers)

    def arrays(self) -> Arrays:
        """All trials; see `History`."""
        found = self._trials.configurations()
        units = self._space.to_unit(found.rows)
        valued = found.having(TrialState.COMPLETED, TrialState.STOPPED)
        failed = found.having(TrialState.FAILED)
        values, waiting = found.values, self._waiting()
        if waiting:
            paused = np.isin(found.numbers, list(waiting))
            values[paused, 0] = [waiting[number] for number in found.numbers[paused].tolist()]
            valued |= paused
        return Arrays(
            X=units[valued],
            Y=self._objectives.to_minimise(values[valued]),
            numbers=found.numbers[valued],
            X_failed=units[failed],
            X_pending=units[~(valued | failed)],
            excess=self._objectives.excess(values[valued]),
        )

    def is_taken(self, units: FloatArray) -> BoolArray:
        """(k,) Which unit rows (k, d) were given out."""
        return self._taken.holds(units)

    def _waiting(self) -> dict[int, float]:
        """By trial that a stopper has paused, its last value, if that is finite."""
        if not self._stops:
            return {}
        paused = map(self._trials.__getitem__, self._trials.unfinished_in(TrialState.PAUSED))
        curves = {trial.number: trial.curve for trial in paused if is_stopped_for_now(trial)}
        last = {number: curve[max(curve)] for number, curve in curves.items() if curve}
        return {number: value for number, value in last.items() if math.isfinite(value)}


def _read(event: PriorRegistered, space: Space) -> EarlierStudy | None:
    try:
        return from_data(event.name, event.trials, event.data, space)
    except PriorError:
        return None
