"""What a study's stopper has done, as plain data and in words."""

from __future__ import annotations

from typing import Any

from fsopt.state import StudyState, TrialRecord, TrialState
from fsopt.study import Study
from fsopt.trial import STOPPER


def stopping_summary(study: Study) -> dict[str, Any] | None:
    """How many steps the stopper has saved, as JSON; None if the study has none.

    Of the trials that are completed or stopped and have reported anything.
    """
    stopper = study.config.stopper
    if stopper is None:
        return None
    steps = _last_steps(study.state)
    whole = (stopper.max_steps or 0) * len(steps)
    return {
        "stopper": type(stopper).__name__,
        "steps": sum(steps),
        "saved": round(1 - sum(steps) / whole, 4) if whole else None,
    }


def stopping_line(told: dict[str, Any]) -> str:
    """The same for people."""
    saved = "" if told["saved"] is None else f", {told['saved']:.0%} saved"
    return f"stopping: {told['stopper']}, {told['steps']} steps{saved}"


def reason(study: Study, trial: TrialRecord) -> str | None:
    """Why a trial has failed, was paused, or was stopped early."""
    outcome, stopper = trial.outcome, study.config.stopper
    if outcome is None:
        return None
    by_stopper = outcome.state is TrialState.STOPPED or outcome.reason == STOPPER
    if stopper is None or not by_stopper:
        return outcome.reason
    of = f" of {stopper.max_steps}" if stopper.max_steps else ""
    return f"{trial.state} by {type(stopper).__name__} at step {trial.last_step}{of}"


def _last_steps(state: StudyState) -> list[int]:
    """The highest step of each trial that has values and has reported any."""
    frozen = state.trials.frozen()
    valued = frozen.rows.having(TrialState.COMPLETED, TrialState.STOPPED)
    reports = frozen.extras.reports
    of_rows = [max(reports[n]) for n in frozen.numbers[valued].tolist() if reports.get(n)]
    others = [trial.last_step for trial in state.trials.live() if trial.state.has_values]
    return of_rows + [step for step in others if step]
