"""The study's stopper at work: every trial's curve, and what is decided from all of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

from fsopt.config import StudyConfig
from fsopt.events import Event, TrialCompleted, TrialFailed, TrialPaused, TrialStopped
from fsopt.objectives import Failure
from fsopt.state import StudyState, TrialRecord, TrialState
from fsopt.state.changes import Changes
from fsopt.stop import Curves, Decision, Stopper
from fsopt.trial import STOPPER

_Key: TypeAlias = tuple[int, int]
"""A trial and an attempt at it."""

_UNFINISHED = (TrialState.WAITING, TrialState.RUNNING, TrialState.PAUSED)


@dataclass(slots=True)
class _Own:
    """What this process knows of an attempt that it has in hand."""

    reports: dict[int, float] = field(default_factory=dict)
    """By step."""
    decision: Decision = Decision.CONTINUE


class Stopping:
    """Asks a study's stopper, for one process that works on the study.

    The curves are those of the fold, and what this process's own evaluations have reported and
    nobody has written yet. Values are those of the first objective.
    """

    def __init__(self, state: StudyState, config: StudyConfig, stopper: Stopper) -> None:
        """Follows the state from the first question on.

        Args:
            state: The fold.
            config: Of the study.
            stopper: Its stopper.
        """
        self._state = state
        self._objectives = config.outcomes
        self._stopper = stopper
        self._seed = config.seed or 0
        self.is_exhausted = False
        """Whether this process has found no configuration left to propose."""
        self._curves = Curves(lambda value: self._minimised({0: value})[0])
        self._changes: Changes | None = None
        self._own: dict[_Key, _Own] = {}
        self._paused: set[int] = set()
        self._promoted: list[int] | None = None

    def judge(self, number: int, attempt: int, step: int, value: float) -> bool:
        """Take in what an evaluation of this process reports.

        One that has reached the last step is expected to return by itself.

        Returns:
            Whether the evaluation is to be told to end now; once.
        """
        self._follow()
        own = self._own.setdefault((number, attempt), _Own())
        own.reports[step] = value
        trial = self._state.trials.get(number)
        if own.decision is not Decision.CONTINUE or trial is None:
            return False
        decisive = trial.decisive
        if trial.state is not TrialState.RUNNING or decisive is None or decisive.index != attempt:
            return False
        self._curves.report(number, step, self._minimised({step: value})[step])
        self._promoted = None
        self._curves.is_full = self._is_full
        before, last = self._curves.last_steps(number)
        if before < self._end <= last:
            return False
        own.decision = self._stopper.decide(self._curves, number, self._seed)
        return own.decision is not Decision.CONTINUE

    def ending(
        self,
        number: int,
        attempt: int,
        result: tuple[float, ...] | Failure | None,
        duration: float | None = None,
    ) -> Event | None:
        """How an attempt ends that was told to by the stopper, and did.

        Args:
            number: Its trial.
            attempt: Its index.
            result: What the objective returned; None if that is no values.
            duration: Seconds.

        Returns:
            None if this process has told it no such thing, or has seen that it had ended before.
        """
        self._follow()
        own = self._own.get((number, attempt))
        if own is None or own.decision is Decision.CONTINUE:
            return None
        if isinstance(result, Failure):
            reason = result.reason
            return TrialFailed(trial=number, attempt=attempt, reason=reason, duration=duration)
        if own.decision is Decision.PAUSE:
            return TrialPaused(trial=number, attempt=attempt, reason=STOPPER, duration=duration)
        step = max(own.reports)
        is_complete = step >= self._end
        if len(self._objectives) == 1 and not (is_complete and result):
            result = (own.reports[step],)
        event = _stopped(number, attempt, step, result, duration)
        if is_complete and isinstance(event, TrialStopped):
            return TrialCompleted(
                trial=number, attempt=attempt, values=event.values, duration=duration
            )
        return event

    def promoted(self) -> list[int]:
        """The trials that were paused by the stopper and are to go on, the best first."""
        self._follow()
        is_full = self._is_full
        if self._promoted is None or self._curves.is_full != is_full:
            self._curves.is_full = is_full
            found = self._stopper.promote(self._curves, self._seed) if self._paused else []
            self._promoted = [number for number in found if number in self._paused]
        return self._promoted

    def paused(self) -> Collection[int]:
        """The trials that were paused by the stopper."""
        self._follow()
        return self._paused

    def parked(self) -> Collection[int]:
        """The trials that were paused by the stopper and are not to go on, for now at least."""
        promoted = self.promoted()
        return self._paused.difference(promoted) if promoted else self._paused

    def leftovers(self) -> list[int]:
        """The trials that were paused by the stopper and will never go on, ascending.

        There are some once no trial begins or goes on that could change the stopper's mind.
        """
        if self.promoted() or not (self._paused and self._is_full):
            return []
        limit = self._state.budget or math.inf
        unfinished = [n for n in self._state.trials.unfinished_in(*_UNFINISHED) if n < limit]
        return unfinished if self._paused.issuperset(unfinished) else []

    def conclusion(self, number: int, attempt: int) -> Event:
        """How an attempt ends at a trial that will never go on, at which nothing was done."""
        curve = self._state.trials[number].curve
        step = max(curve, default=0)
        return _stopped(number, attempt, step, (curve.get(step, math.nan),), None)

    @property
    def _end(self) -> float:
        """The steps of a complete trial."""
        return self._stopper.max_steps or math.inf

    @property
    def _is_full(self) -> bool:
        """Whether no more trials will begin."""
        budget = self._state.budget
        all_begun = budget is not None and self._state.trials.complete_below >= budget
        return all_begun or self.is_exhausted

    def _follow(self) -> None:
        if self._changes is None:
            self._changes = self._state.trials.watch()
            changed = self._state.trials.numbers()
        else:
            changed = self._changes.drain().tolist()
        for number in changed:
            self._take_in(self._state.trials[number])
        if changed:
            self._promoted = None

    def _take_in(self, trial: TrialRecord) -> None:
        number, curves = trial.number, self._curves
        reports, decisive = trial.curve, trial.decisive
        if decisive is not None and (own := self._own.get((number, decisive.index))):
            reports = own.reports | reports
            if decisive.outcome is not None:
                del self._own[number, decisive.index]
        curves.replace(number, self._minimised(reports))
        self._paused.discard(number)
        match trial.state:
            case TrialState.FAILED:
                curves.fail(number)
            case TrialState.COMPLETED | TrialState.STOPPED:
                curves.end(number)
            case _ if is_stopped_for_now(trial):
                curves.pause(number)
                self._paused.add(number)
            case _:
                curves.resume(number)

    def _minimised(self, reports: Mapping[int, float]) -> dict[int, float]:
        values = np.zeros((len(reports), len(self._objectives.directions)))
        values[:, 0] = list(reports.values())
        flipped: list[float] = self._objectives.to_minimise(values)[:, 0].tolist()
        return dict(zip(reports, flipped, strict=True))


def is_stopped_for_now(trial: TrialRecord) -> bool:
    """Whether a stopper has paused a trial."""
    outcome = trial.outcome
    return outcome is not None and outcome.state is TrialState.PAUSED and outcome.reason == STOPPER


def _stopped(
    number: int,
    attempt: int,
    step: int,
    values: tuple[float, ...] | None,
    duration: float | None,
) -> Event:
    """A trial is over, with these values if it has any."""
    if values is not None and all(map(math.isfinite, values)):
        return TrialStopped(
            trial=number, attempt=attempt, values=values, step=step, duration=duration
        )
    if values is None:
        reason = f"stopped at step {step}, and returned no values"
    else:
        reason = f"stopped: reported {values[0]} at step {step}"
    return TrialFailed(trial=number, attempt=attempt, reason=reason, duration=duration)
