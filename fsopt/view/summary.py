"""How a study stands, as plain data and as text; the keys are a contract (``docs/output.md``)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from fsopt.events import EnsembleBuilt
from fsopt.state import StudyState, TrialState
from fsopt.study import Study
from fsopt.study.ranking import By
from fsopt.trial import FinishedTrial
from fsopt.values import Params, to_json
from fsopt.view.stopping import stopping_summary
from fsopt.view.utilization import utilization
from fsopt.view.workers import fate

_RECENT = 50
"""The rate is that of so many trials."""


def trial_summary(trial: FinishedTrial) -> dict[str, Any]:
    """A finished trial as JSON: ``trial``, ``values``, ``params``, and what is ``expected``."""
    expected = {name: asdict(expected) for name, expected in trial.expected.items()}
    return {
        "trial": trial.number,
        "values": trial.values,
        "params": {name: to_json(value) for name, value in trial.params.items()},
        **({"expected": expected} if expected else {}),
        **({"outcomes": dict(trial.outcomes)} if trial.outcomes else {}),
    }


def best_summary(study: Study, by: By | None = None) -> Any:
    """The best trial as JSON, or the list of the Pareto front; null while there is none.

    Args:
        study: The study.
        by: As in `Study.best_trial`.
    """
    if study.session.objectives.are_several:
        return [trial_summary(trial) for trial in study.front(by)]
    best = study.best_trial(by)
    return trial_summary(best) if best else None


def status_summary(study: Study) -> dict[str, Any]:
    """The study as JSON, for ``fsopt status``."""
    state = study.state
    counts = state.trials.count()
    rate, left = _rate(state), trials_left(state)
    return {
        "study": str(study.directory),
        "objectives": dict(study.config.objectives),
        "budget": {"trials": state.budget},
        "stopped": state.stopped,
        "trials": {s.value: n for s, n in counts.items()} | {"total": sum(counts.values())},
        "best": best_summary(study),
        "writers": _writers(study),
        "utilization": utilization(state, time.time()),
        "failures": failures(state),
        "stopping": stopping_summary(study),
        "priors": [{"source": p.name, "trials": p.trials} for p in state.registered_priors()],
        "ensembles": [_ensemble(built) for built, _ in state.ensembles.values()],
        "trials_per_hour": None if rate is None else round(rate * 3600, 3),
        "seconds_left": None if not rate or left is None else round(max(left, 0) / rate, 1),
        "damaged_lines": len(study.session.journal.damage),
        "unknown_events": sum(state.unknown.values()),
    }


def trials_left(state: StudyState) -> int | None:
    """How many trials are not finished yet of those that the study shall have; None for no end."""
    if state.budget is None:
        return None
    counts = state.trials.count()
    return state.budget - sum(n for kind, n in counts.items() if kind.is_finished)


def failures(state: StudyState) -> dict[str, int]:
    """How many trials failed for each reason, the most frequent first."""
    return {reason: len(numbers) for reason, numbers in failed_trials(state).items()}


def failed_trials(state: StudyState) -> dict[str, list[int]]:
    """The numbers of the trials that failed for each reason, the most frequent reason first."""
    frozen = state.trials.frozen()
    failed = frozen.numbers[frozen.rows.having(TrialState.FAILED)].tolist()
    reasons = {number: frozen.extras.reasons.get(number) for number in failed}
    reasons |= {
        trial.number: trial.outcome.reason
        for trial in state.trials.live()
        if trial.state is TrialState.FAILED and trial.outcome
    }
    numbers: dict[str, list[int]] = {}
    for number in sorted(reasons):
        numbers.setdefault(reasons[number] or "unknown", []).append(number)
    return dict(sorted(numbers.items(), key=lambda entry: -len(entry[1])))


def format_params(params: Params) -> str:
    """A configuration in one line."""
    return ", ".join(f"{name}={format_value(value)}" for name, value in params.items())


def format_value(value: object) -> str:
    """A value for people: floats with six digits, strings as they are."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else repr(value)


def format_values(values: Mapping[str, float]) -> str:
    """Objective values in one line."""
    return ", ".join(f"{name}={value:.6g}" for name, value in values.items())


def format_rate(per_hour: float) -> str:
    """A rate for people."""
    number = f"{per_hour:,.0f}" if per_hour >= 100 else f"{per_hour:.3g}"
    return f"{number} trials an hour"


def format_count(number: int, what: str) -> str:
    """How many there are of something, such as ``1 trial`` and ``2 trials``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def format_seconds(seconds: float) -> str:
    """A duration for people."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"


def _ensemble(built: EnsembleBuilt) -> dict[str, Any]:
    return {
        "name": built.name,
        "members": list(built.members),
        "loss": built.loss,
        "score": built.scores.get(built.loss),
        "single_score": built.single_scores.get(built.loss),
    }


def _rate(state: StudyState) -> float | None:
    """Finished trials a second, over the time since the last ones were finished."""
    others = [
        trial.outcome.stamp.time
        for trial in state.trials.live()
        if trial.state.is_finished and trial.outcome
    ]
    ends = np.sort(np.concatenate([state.trials.frozen().rows.end_time, others]))
    recent: list[float] = ends[-_RECENT:].tolist()
    if len(recent) < 2 or recent[-1] <= recent[0]:
        return None
    return (len(recent) - 1) / (recent[-1] - recent[0])


def _writers(study: Study) -> dict[str, int]:
    now = time.time()
    kinds = Counter(fate(study, name, w, now) for name, w in study.state.writers.items())
    return {kind: kinds[kind] for kind in ("live", "lost", "closed")}
