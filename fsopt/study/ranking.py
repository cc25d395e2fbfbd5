"""Which trials of a study are the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from fsopt.errors import StudyError
from fsopt.history import FloatArray, History, IntArray, row_hashes
from fsopt.moo.pareto import nondominated
from fsopt.objectives import Objectives
from fsopt.search.estimate import posterior
from fsopt.search.rounding import one_thread
from fsopt.state import TrialRecord, TrialState
from fsopt.study.session import Session
from fsopt.trial import Expected, FinishedTrial

By: TypeAlias = Literal["value", "model"]
"""How trials are compared: by what was observed, or by what a model expects."""


def best_trial(session: Session, by: By | None) -> FinishedTrial | None:
    """The best completed trial; see `Study.best_trial`.

    Raises:
        StudyError: If there are several objectives.
    """
    if session.objectives.are_several:
        raise StudyError("a study with several objectives has a pareto_front, not one best")
    ranking = _ranking(session, by)
    return ranking.trial(int(np.argmin(ranking.Y[:, 0]))) if len(ranking.Y) else None


def front(session: Session, by: By | None) -> list[FinishedTrial]:
    """The completed trials that no other dominates; see `Study.front`."""
    ranking = _ranking(session, by)
    return [ranking.trial(at) for at in np.flatnonzero(nondominated(ranking.Y)).tolist()]


@dataclass(frozen=True, slots=True)
class _Ranking:
    """Completed trials, or of each configuration the first, and what they are compared by."""

    session: Session
    numbers: IntArray
    """(n,) Ascending."""
    Y: FloatArray
    """(n, m) What is compared, to be minimised."""
    deviations: FloatArray | None
    """(n, m) How well that is known; None if it was observed."""

    def trial(self, at: int) -> FinishedTrial:
        """One of the trials."""
        objectives = self.session.objectives
        expected: dict[str, Expected] = {}
        if self.deviations is not None:
            # what turns values into those to be minimised turns them back as well
            means = objectives.to_minimise(self.Y[at : at + 1])[0].tolist()
            pairs = zip(means, self.deviations[at].tolist(), strict=True)
            known = (Expected(mean=mean, deviation=deviation) for mean, deviation in pairs)
            expected = dict(zip(objectives.directions, known, strict=True))
        record = self.session.state.trials[int(self.numbers[at])]
        return finished_trial(record, objectives, expected)


def finished_trial(
    record: TrialRecord, objectives: Objectives, expected: Mapping[str, Expected] | None = None
) -> FinishedTrial:
    """A trial that has ended, as people get it.

    Args:
        record: What is known of it.
        objectives: The study's.
        expected: What a model expects of it, by objective.
    """
    outcome = record.outcome
    values = dict(zip(objectives.names, outcome.values if outcome else (), strict=False))
    return FinishedTrial(
        number=record.number,
        params=dict(record.params or {}),
        values={name: values[name] for name in objectives.directions if name in values},
        state=record.state.value,
        reason=outcome.reason if outcome else None,
        expected=expected or {},
        outcomes={k: v for k, v in values.items() if k not in objectives.directions},
    )


def _ranking(session: Session, by: By | None) -> _Ranking:
    if by not in (None, "value", "model"):
        raise StudyError(f'by must be "value" or "model", not {by!r}')
    found = session.state.trials.configurations()
    done = found.having(TrialState.COMPLETED)
    done[done] = session.objectives.are_allowed(found.values[done])
    numbers = found.numbers[done]
    Y = session.objectives.to_minimise(found.values[done])
    by_model = session.config.noisy if by is None else by == "model"
    if not by_model or not len(numbers):
        return _Ranking(session, numbers, Y, None)
    space = session.config.space
    none = np.empty((0, len(space)))
    X = space.to_unit(found.rows[done])
    history = History(space=space, X=X, Y=Y, numbers=numbers, X_failed=none, X_pending=none)
    with one_thread():
        expected = [posterior(history, objective) for objective in range(Y.shape[1])]
    _, first = np.unique(row_hashes(X), return_index=True)
    first.sort()
    return _Ranking(
        session,
        numbers[first],
        np.column_stack([prediction.mean for prediction in expected])[first],
        np.column_stack([prediction.epistemic for prediction in expected])[first],
    )
