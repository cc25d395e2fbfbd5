"""Functions of the user's that are called as trials finish."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from fsopt.run.terms import Progress
from fsopt.state import TrialRecord
from fsopt.study import Study
from fsopt.study.ranking import finished_trial
from fsopt.trial import FinishedTrial

Callback: TypeAlias = Callable[[Study, FinishedTrial], object]
"""Called by the process that evaluated a trial once that has ended, durably; what it returns is
of no account, and if it raises, a notice says so and the study goes on."""


@dataclass(frozen=True, slots=True)
class Callbacks:
    """Calls functions, and passes everything on; see `fsopt.run.terms.Progress`."""

    progress: Progress
    functions: Sequence[Callback]

    def finished(self, study: Study, trial: TrialRecord) -> None:
        """Tell people, and call the functions."""
        self.progress.finished(study, trial)
        told = finished_trial(trial, study.session.objectives)
        for function in self.functions:
            try:
                function(study, told)
            except Exception as error:  # noqa: BLE001  # it is the user's, and may raise anything
                name = getattr(function, "__name__", type(function).__name__)
                self.notice(
                    f"callback {name} failed for trial {trial.number}: "
                    f"{type(error).__name__}: {error}"
                )

    def tick(self, study: Study, running: int) -> None:
        """Pass it on."""
        self.progress.tick(study, running)

    def notice(self, text: str) -> None:
        """Pass it on."""
        self.progress.notice(text)
