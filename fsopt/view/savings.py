"""What early stopping has saved."""

from __future__ import annotations

from fsopt.state import StudyState, TrialState


def stopping(state: StudyState) -> dict[str, float | int | None]:
    """How many trials were stopped early, and how much of their work that saved.

    Returns:
        ``trials``, and ``steps_saved``: which share of their steps the stopped trials were spared,
        if each would have gone on to the highest step that any trial has reported. None if no
        trial was stopped.
    """
    frozen = state.trials.frozen()
    stopped = set(frozen.numbers[frozen.rows.having(TrialState.STOPPED)].tolist())
    last = {number: max(reports) for number, reports in frozen.extras.reports.items() if reports}
    for trial in state.trials.live():
        if trial.last_step:
            last[trial.number] = trial.last_step
        if trial.state is TrialState.STOPPED:
            stopped.add(trial.number)
    most = max(last.values(), default=0) * len(stopped)
    spent = sum(last.get(number, 0) for number in stopped)
    return {"trials": len(stopped), "steps_saved": round(1 - spent / most, 4) if most else None}
