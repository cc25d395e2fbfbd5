"""What an objective is handed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol

from fsopt.errors import TrialError
from fsopt.log import layout
from fsopt.values import MAX_INTEGER, Params, Value, to_value

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

PREEMPTED = "preempted"
TIMEOUT = "timeout"
"""The stop reasons when the process, not the trial, has to end."""

STOPPER = "stopper"
"""The stop reason when the study's stopper has decided that the trial does not go on for now."""

LOST = "lost"
"""How the reason begins when the node that evaluated an attempt is out of reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Assignment:
    """An attempt at a trial that a process has been given to evaluate; plain data."""

    number: int
    attempt: int
    params: Params
    last_step: int = 0
    """The highest step that earlier attempts reported, if their checkpoint was handed on."""
    slot: str | None = None
    """Which of the slots it has; set by what runs it."""


class Channel(Protocol):
    """How an evaluation talks to the study, from wherever it runs."""

    def report(self, step: int, value: float) -> None:
        """Record an intermediate value."""
        ...

    def set_attribute(self, name: str, value: Value) -> None:
        """Record a named value."""
        ...

    def stop_reason(self) -> str | None:
        """Why the evaluation should end now; None while it should go on."""
        ...


class Trial:
    """A configuration to evaluate, and the evaluation's way to report, checkpoint and stop."""

    def __init__(self, assignment: Assignment, root: Path, channel: Channel) -> None:
        """Made by fsopt; objectives only use it.

        Args:
            assignment: What to evaluate.
            root: The study directory, or what stands in for it.
            channel: Takes reports and tells when to stop.
        """
        self.number: int = assignment.number
        """The trial's number in the study."""
        self.attempt: int = assignment.attempt
        """0, or more if earlier attempts were lost or preempted."""
        self.params: Params = MappingProxyType(dict(assignment.params))
        """The active parameters by name, typed as declared."""
        self.slot: str | None = assignment.slot
        """What only this evaluation uses for now, such as a GPU; None if nothing is shared out."""
        self.sink: Callable[[bytes], None] | None = None
        """Takes what a program prints; without one it goes where this process prints."""
        self.observed_stop: str | None = None
        """Why the objective was told to stop, once it was."""
        self._last_step = assignment.last_step
        self.root = root
        """The study directory, or what stands in for it."""
        self._channel = channel

    def __getitem__(self, name: str) -> Value:
        """The value of a parameter.

        Raises:
            KeyError: If there is no such parameter, or it is inactive in this trial.
        """
        try:
            return self.params[name]
        except KeyError:
            raise KeyError(
                f"trial {self.number} has no active parameter {name!r}; "
                f"it has {', '.join(self.params)}"
            ) from None

    def __repr__(self) -> str:
        return f"Trial(number={self.number}, attempt={self.attempt}, params={dict(self.params)})"

    @property
    def directory(self) -> Path:
        """The trial's own directory, for whatever the objective wants to keep."""
        path = self.root / layout.trial_directory(self.number)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @property
    def checkpoint_dir(self) -> Path:
        """Where this attempt keeps its checkpoint; a later attempt finds its contents there."""
        path = self.root / layout.checkpoint(self.number, self.attempt)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def checkpoint_exists(self) -> bool:
        """Whether an earlier attempt, or this one, has saved something in `checkpoint_dir`."""
        path = self.root / layout.checkpoint(self.number, self.attempt)
        return path.is_dir() and any(path.iterdir())

    def report(self, value: float, step: int) -> None:
        """Record an intermediate value.

        Args:
            value: As the objective will return it; NaN and infinity are kept as such.
            step: How far the evaluation is, such as the epoch; 1 or more, ascending.

        Raises:
            TrialError: If the value is not a number or the step not a positive integer.
        """
        plain = to_value(value)
        if isinstance(plain, bool) or not isinstance(plain, int | float):
            raise TrialError(f"trial {self.number}: can't report {value!r}; a number is expected")
        index = to_value(step)
        if type(index) is not int or not 1 <= index <= MAX_INTEGER:
            raise TrialError(f"trial {self.number}: the step must be 1, 2, ..., not {step!r}")
        self._channel.report(index, float(plain))

    def should_stop(self) -> bool:
        """Whether the objective should save a checkpoint and return now.

        That is so when the process is being preempted or the study was stopped: then what the
        objective returns is ignored, and the trial is paused and continued by another attempt. It
        is also so when the study's stopper has decided that the trial does not go on; then its
        value is the one that it reported last. In a study with several objectives it is what the
        objective returns, which has to be a value for each. Where evaluations run beside the
        process that decides, it may take a step or more until they hear of it.
        """
        if self.observed_stop is None:
            self.observed_stop = self._channel.stop_reason()
        return self.observed_stop is not None

    @property
    def preempted(self) -> bool:
        """Whether the reason to stop is that the process itself has to end."""
        return self._channel.stop_reason() in (PREEMPTED, TIMEOUT)

    def steps(self, n: int) -> Iterator[int]:
        """The steps 1 to ``n`` that are still to be done.

        If there is a checkpoint, they begin after the last step that was reported; without one the
        work is lost and they begin with 1.
        """
        done = self._last_step if self.checkpoint_exists() else 0
        return iter(range(done + 1, n + 1))

    def set_attribute(self, name: object, value: object) -> None:
        """Attach a named value to the trial; it becomes the column ``user.NAME``.

        Raises:
            TrialError: If the name is not a non-empty string.
            SpaceError: If the value is no string, number, boolean, None or tuple of these.
        """
        if not isinstance(name, str) or not name:
            raise TrialError(f"an attribute's name must be a non-empty string, not {name!r}")
        self._channel.set_attribute(name, to_value(value))

    def save_predictions(
        self,
        name: str,
        y_pred: ArrayLike,
        *,
        y_std: ArrayLike | None = None,
        index: ArrayLike | None = None,
    ) -> None:
        """Keep what this trial's model predicts, for ensembles (`fsopt.ensemble`).

        One file, durable when this returns. What counts in the end are those of the attempt whose
        values count; the same name once more replaces what this attempt has saved before.

        Args:
            name: Such as ``"valid"``; ``"truth"`` is where ensembles look for the true values.
            y_pred: (n,) Real numbers; (n,) integers, which are classes counted from 0; or (n, c)
                probabilities of classes.
            y_std: (n,) Standard deviations, for real numbers.
            index: (n,) The rows of the data that these are about, where a trial has a validation
                split of its own; all, in order, unless given.

        Raises:
            PredictionError: If these are no predictions, such as some that are not finite.
            TrialError: If the name has other characters than letters, digits, ``_`` and ``-``.
            StorageError: If they can't be written.
        """
        from fsopt.log.predictions import save
        from fsopt.predictions import Prediction

        if not layout.is_predictions_name(name):
            raise TrialError(f"predictions can't be named {name!r}; use letters, digits, _ and -")
        columns = Prediction.of(y_pred, y_std, index).to_columns()
        save(self.root, layout.predictions(self.number, self.attempt, name), columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What a model of all evaluations expects of a configuration, in the objective's units."""

    mean: float
    deviation: float
    """How well the mean is known; single evaluations of a noisy objective differ more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishedTrial:
    """A trial that has ended, as `Study.best` and `Study.pareto_front` give it."""

    number: int
    params: Params
    values: dict[str, float]
    """By objective, as reported; empty if the trial failed."""
    state: str
    """``completed``, ``stopped`` or ``failed``."""
    reason: str | None = None
    """Why it failed."""
    expected: Mapping[str, Expected] = field(default_factory=dict)
    """By objective, where trials were compared by a model; otherwise empty."""
    outcomes: Mapping[str, float] = field(default_factory=dict)
    """What else was reported and has a limit, by name; see `StudyConfig.constraints_on`."""

    @property
    def value(self) -> float:
        """The value of the only objective; NaN if the trial failed.

        Raises:
            TrialError: If the study has several objectives.
        """
        if len(self.values) > 1:
            raise TrialError(
                f"trial {self.number} has several values ({', '.join(self.values)}); use `values`"
            )
        return next(iter(self.values.values()), math.nan)
