"""How a trial that was asked for talks to its study."""

from __future__ import annotations

from fsopt.events import AttributeSet, TrialReported
from fsopt.study.session import Session
from fsopt.trial import STOPPER, Assignment
from fsopt.values import Value


class StudyChannel:
    """Lets a trial that this process asked for report straight into the log."""

    def __init__(self, session: Session, assignment: Assignment) -> None:
        self._session = session
        self._number, self._attempt = assignment.number, assignment.attempt
        self._is_over = False

    def report(self, step: int, value: float) -> None:
        """Append a report."""
        self._session.append(
            TrialReported(
                trial=self._number, attempt=self._attempt, steps=(step,), values=(value,)
            )
        )
        if self._session.stopping is not None:
            self._session.refresh()
            self._is_over |= self._session.stopping.judge(self._number, self._attempt, step, value)

    def set_attribute(self, name: str, value: Value) -> None:
        """Append an attribute."""
        self._session.append(
            AttributeSet(trial=self._number, attempt=self._attempt, name=name, value=value)
        )

    def stop_reason(self) -> str | None:
        """Read whether somebody has stopped the study, or the stopper the trial."""
        self._session.refresh()
        if self._session.state.stopped:
            return "stopped"
        return STOPPER if self._is_over else None
