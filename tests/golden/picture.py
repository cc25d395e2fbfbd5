"""A study's whole state as JSON, in terms that any implementation of the protocol has."""

from __future__ import annotations

from fsopt.state import TrialRecord
from fsopt.study import Study
from fsopt.values import to_json


def picture(study: Study) -> dict[str, object]:
    """Everything that the events of a study amount to."""
    state = study.state
    return {
        "budget": state.budget,
        "generation": state.generation,
        "stopped": state.stopped,
        "unknown": state.unknown,
        "damage": [[d.file, d.offset] for d in study.session.journal.damage],
        "writers": {
            name: {
                "closed": writer.closed,
                "end": writer.known.end,
                "missing": writer.known.missing,
                "host": writer.started.host if writer.started else None,
            }
            for name, writer in sorted(state.writers.items())
        },
        "trials": [_trial(trial) for trial in state.trials],
    }


def _trial(trial: TrialRecord) -> dict[str, object]:
    outcome, proposal = trial.outcome, trial.effective_proposal
    return {
        "number": trial.number,
        "state": trial.state.value,
        "params": {k: [type(v).__name__, to_json(v)] for k, v in (trial.params or {}).items()},
        "by": proposal.by if proposal else None,
        "values": list(outcome.values) if outcome else None,
        "reason": outcome.reason if outcome else None,
        "duration": outcome.duration if outcome else None,
        "attempts": {
            str(index): {"writer": a.writer, "leased": a.leased, "ended": a.outcome is not None}
            for index, a in sorted(trial.attempts.items())
        },
        "curve": {str(step): to_json(value) for step, value in trial.curve.items()},
        "attributes": {name: to_json(v[0]) for name, v in trial.attributes.items()},
        "next_attempt": trial.next_attempt,
    }
