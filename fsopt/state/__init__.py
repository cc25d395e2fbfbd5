"""What a set of events amounts to: a pure fold, the same for any order in which they are read."""

from fsopt.state.fold import StudyState
from fsopt.state.lifecycle import TrialState
from fsopt.state.record import Attempt, Outcome, Proposal, Report, TrialRecord
from fsopt.state.writers import WriterState

__all__ = [
    "Attempt",
    "Outcome",
    "Proposal",
    "Report",
    "StudyState",
    "TrialRecord",
    "TrialState",
    "WriterState",
]
