"""The candidates of a search as the trials of a study, which several processes may share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsopt.errors import StudyMismatchError
from fsopt.objectives import Failure
from fsopt.sklearn.distributions import Translation
from fsopt.sklearn.results import Candidate, from_attribute, to_attribute
from fsopt.study import Study
from fsopt.trial import Trial

Folds = Mapping[str, Sequence[float]]

_FOLDS = "cross_validation"
_DATA = "data"
_PAUSE = 1.0
"""Seconds between looks, while others evaluate the last candidates."""


@dataclass(frozen=True)
class Candidates:
    """The trials of a search.

    Attributes:
        study: Where they are.
        meaning: What its configurations mean.
        count: How many there are to be.
        metric: The name of the score that is maximised.
        data: Tells data apart; empty if nobody else can have other data.
    """

    study: Study
    meaning: Translation
    count: int
    metric: str
    data: str

    def take(self, most: int) -> list[Trial]:
        """Candidates to evaluate; none if the search has ended.

        Waits while others evaluate the last ones, which may be lost with their processes.

        Raises:
            StudyMismatchError: If others search with other data.
        """
        while not self.study.state.stopped:
            self._check_data()
            trials = self.study.ask(most, limit=self.count)
            if trials or self._finished() >= self.count:
                return trials
            self.study.session.wait(_PAUSE)
            self.study.sync()
        return []

    def tell(self, trial: Trial, result: Folds | Failure) -> float:
        """Record what a cross-validation gave.

        Returns:
            Its mean score; NaN if the candidate failed.
        """
        trial.set_attribute(_DATA, self.data)
        if isinstance(result, Failure):
            self.study.tell(trial, result)
            return math.nan
        trial.set_attribute(_FOLDS, to_attribute(result))
        score = float(np.mean(result[f"test_{self.metric}"]))
        is_finite = math.isfinite(score)
        self.study.tell(trial, score if is_finite else Failure(f"its mean score is {score}"))
        return score

    def finished(self) -> list[Candidate]:
        """All candidates that were evaluated, by whomever, in the order of their numbers.

        Raises:
            StudyMismatchError: If others search with other data.
        """
        self._check_data()
        found = []
        for trial in self.study.state.trials:
            if trial.number < self.count and trial.state.is_finished and trial.params is not None:
                told = trial.attributes.get(_FOLDS)
                folds = from_attribute(told[0]) if told else None
                found.append(Candidate(self.meaning.decode(trial.params), folds or {}))
        return found

    def first_failure(self) -> str:
        """Why the first candidate that failed did."""
        outcomes = (trial.outcome for trial in self.study.state.trials)
        reasons = (one.reason for one in outcomes if one is not None and one.reason)
        return next(reasons, "the search was stopped")

    def _finished(self) -> int:
        counts = self.study.state.trials.count(self.count)
        return sum(many for state, many in counts.items() if state.is_finished)

    def _check_data(self) -> None:
        for trial in self.study.state.trials:
            told: Any = trial.attributes.get(_DATA)
            if told is not None and told[0] != self.data:
                raise StudyMismatchError(
                    f"{self.study.directory} holds a search with other data (trial "
                    f"{trial.number}); choose another directory"
                )
