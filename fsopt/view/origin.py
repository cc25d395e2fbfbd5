"""Where a trial's configuration comes from: why it was proposed, and whether that can be repeated.

The keys are a contract (``docs/output.md``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fsopt.errors import ReplayError
from fsopt.events import Record
from fsopt.study import Study
from fsopt.study.dispatch import ENQUEUED, IMPORTED
from fsopt.study.replay import Occasion, recollect
from fsopt.values import to_json


@dataclass(frozen=True, slots=True)
class Origin:
    """What is known of how a trial was proposed."""

    study: Study
    by: str | None
    """The kind of optimizer that proposed it, or ``"enqueued"``."""
    occasion: Occasion | None
    unknown: str
    """Why it is not known, if so."""

    @classmethod
    def of(cls, study: Study, number: int, logs: Sequence[Record]) -> Origin:
        """The origin of a trial.

        Args:
            study: The study.
            number: The trial.
            logs: All events of its logs.
        """
        proposal = study.record(number).effective_proposal
        by = proposal.by if proposal else None
        try:
            return cls(study, by, recollect(study.session, number, logs), "")
        except ReplayError as error:
            return cls(study, by, None, str(error))

    def explanation(self) -> dict[str, Any] | None:
        """Why it was proposed, in the units of the objective; None if that is not known."""
        if self.by in (ENQUEUED, IMPORTED):
            return _explanation(self.by)
        told = self.occasion.explain() if self.occasion is not None else None
        if self.occasion is None or told is None:
            return None
        objectives = self.study.session.objectives
        predicted = None
        if told.mean is not None and told.deviation is not None:
            # what turns values into those to be minimised turns them back as well
            (mean,) = objectives.to_minimise(np.array([[told.mean]]))[0].tolist()
            predicted = {"mean": mean, "deviation": told.deviation}
        acquisition = None
        if told.acquisition is not None:
            value = to_json(told.acquisition_value)
            acquisition = {"name": told.acquisition, "value": value}
        return _explanation(
            told.source,
            surrogate=told.surrogate,
            predicted=predicted,
            acquisition=acquisition,
            incumbent=self._incumbent(self.occasion),
        )

    def replay(self) -> dict[str, Any]:
        """What comes of making the proposal once more."""
        if self.occasion is None:
            return _replay("impossible", why=self.unknown)
        try:
            found = self.occasion.repeat()
        except ReplayError as error:
            return _replay("impossible", why=str(error))
        again = None
        if found.again is not None:
            again = {name: to_json(value) for name, value in found.again.items()}
        if found.difference is None:
            return _replay("same", params=again)
        return _replay("different", params=again, why=found.difference)

    def _incumbent(self, occasion: Occasion) -> dict[str, Any] | None:
        """The best value that the proposer knew."""
        history, objectives = occasion.beside, self.study.session.objectives
        if objectives.are_several or not history.is_allowed.any():
            return None
        best = int(np.argmin(np.where(history.is_allowed, history.Y[:, 0], np.inf)))
        value = float(objectives.to_minimise(history.Y[best : best + 1])[0, 0])
        return {"trial": int(history.numbers[best]), "value": value}


def _explanation(source: str, **rest: Any) -> dict[str, Any]:
    parts = ("surrogate", "predicted", "acquisition", "incumbent")
    return {"source": source, **{part: rest.get(part) for part in parts}}


def _replay(
    verdict: str, *, params: dict[str, Any] | None = None, why: str | None = None
) -> dict[str, Any]:
    return {"verdict": verdict, "params": params, "why": why}
