"""Every error that fsopt raises on purpose, in one tree.

::

    FsoptError
    ├── SpaceError               a search space, or a configuration, makes no sense
    │   ├── ExpressionError      a condition or constraint can't be read or evaluated
    │   └── InfeasibleSpaceError no valid configuration was found, or none is left
    ├── StudyError               what was asked of a study can't be done
    │   ├── StudyNotFoundError   there is no study in that directory
    │   ├── StudyMismatchError   the study there is another one than the caller described
    │   ├── TrialError           no such trial, or not in a state that allows this
    │   ├── ReplayError          what led to a proposal can't be known any more
    │   └── PriorError           an earlier study can't be read, or teaches nothing about this one
    ├── ProtocolError            files in a study directory can't be used
    │   ├── UnsupportedVersionError  written for a newer reader
    │   └── CorruptStudyError        damaged beyond what the protocol tolerates
    ├── StorageError             the filesystem refused an operation
    ├── ScriptError              a study script can't be loaded
    ├── PredictionError          predictions make no sense, or don't fit together
    ├── EvaluationError          an evaluation could not be started or its worker was lost
    ├── LaunchError              a job can't be described to, or is refused by, a batch system
    └── MissingExtraError        an optional dependency is not installed

A message says what is wrong, where (path, offset, trial) and what to do about it.
"""

from __future__ import annotations


class FsoptError(Exception):
    """Base of all errors raised by fsopt."""


class SpaceError(FsoptError, ValueError):
    """A search space or a configuration makes no sense."""


class ExpressionError(SpaceError):
    """A condition or constraint can't be read or evaluated."""


class InfeasibleSpaceError(SpaceError):
    """No valid configuration could be found, or none is left to try."""


class StudyError(FsoptError):
    """What was asked of a study can't be done."""


class StudyNotFoundError(StudyError):
    """There is no study in that directory."""


class StudyMismatchError(StudyError):
    """The study in the directory differs from the one that the caller described."""


class TrialError(StudyError):
    """There is no such trial, or its state does not allow what was asked."""


class ReplayError(StudyError):
    """What led to a proposal is not known, or not any more."""


class PriorError(StudyError):
    """An earlier study can't be read, or nothing can be learned from it about this one."""


class ProtocolError(FsoptError):
    """Files in a study directory can't be used."""


class UnsupportedVersionError(ProtocolError):
    """The study was written for a newer reader than this one."""


class CorruptStudyError(ProtocolError):
    """A file that the study can't do without is damaged."""


class StorageError(FsoptError):
    """The filesystem refused an operation."""

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing
        """Whether the same operation may well succeed later: a full disk, a server that hangs."""


class ScriptError(FsoptError):
    """A study script can't be loaded, or lacks something."""


class PredictionError(FsoptError, ValueError):
    """Predictions, weights or true values make no sense, or don't fit together."""


class EvaluationError(FsoptError):
    """An evaluation could not be started, or its process was lost."""


class LaunchError(FsoptError):
    """A job can't be described to a batch system, or it refuses the job."""


class MissingExtraError(FsoptError, ImportError):
    """An optional dependency is not installed; the message names the extra that brings it."""
