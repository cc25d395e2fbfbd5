"""The facts that a study is made of, each with its fixed name on disk.

Everything that happens is one of these events, appended once by the process that it happened to
and never changed. A field that holds its default is left out on disk; the names are part of the
protocol (``docs/protocol.md``) and never change their meaning.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from fsopt.values import Params, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterStarted:
    """A process opened a log of its own."""

    wire: ClassVar[str] = "writer.started"
    host: str
    pid: int
    process: str | None = None
    """Identifies the process beyond its pid, for others on the same machine (see identity.py)."""
    job: str | None = None
    """The scheduler's name for the job and task, if any."""
    version: str
    python: str
    optimizer: Params = field(default_factory=dict)
    """The kind and options of the optimizer that makes this writer's proposals."""
    role: str = "both"
    """``propose`` or ``evaluate`` if it does only that."""
    slots: int = 1
    """How many trials it evaluates at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriterClosed:
    """The process left in good order; nothing follows in its log."""

    wire: ClassVar[str] = "writer.closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """The process lives, although it has had nothing else to say for a while."""

    wire: ClassVar[str] = "heartbeat"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialProposed:
    """A configuration waits for anyone to evaluate it."""

    wire: ClassVar[str] = "trial.proposed"
    trial: int
    params: Params
    by: str
    """The kind of optimizer, or ``"enqueued"``."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """How far each other writer's log was known: the next sequence number expected of it, for
    those that had moved since this writer's last proposal. Its own events were all known."""
    batch: int | None = None
    """The first trial of the batch in which this proposal was made, if it was not alone."""
    snapshot: str | None = None
    """The snapshot from which the other writers' logs were known, where not all were read; then
    `seen` tells only of logs that were known farther."""
    numbers: tuple[int, ...] = ()
    """All trials of the batch, in its first event: the process may die before it tells the others.
    """
    view: str | None = None
    """A checksum of the history that the optimizer has read, as eight hexadecimal digits, if it
    has read any; see `History.checksum`. In the first event of a batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStarted:
    """An attempt at a trial began; carries the proposal when it was made by the same process.

    The fields of the proposal are those of `TrialProposed`.
    """

    wire: ClassVar[str] = "trial.started"
    trial: int
    attempt: int = 0
    params: Params | None = None
    by: str | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    batch: int | None = None
    snapshot: str | None = None
    numbers: tuple[int, ...] = ()
    view: str | None = None
    after: int | None = None
    """The last step of earlier attempts that this one knew of when it began: what they report of
    later steps does not belong to it. None where nobody said."""
    leased: bool = True
    """False if the evaluation goes on outside of the writer's process, which need not live on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialReported:
    """Intermediate values, several at once when they come fast."""

    wire: ClassVar[str] = "trial.reported"
    trial: int
    attempt: int = 0
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialPaused:
    """The attempt ended early, in good order; another one goes on from its checkpoint."""

    wire: ClassVar[str] = "trial.paused"
    trial: int
    attempt: int = 0
    reason: str
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialCompleted:
    """The objective returned its values, one for each of the study's objectives, as reported."""

    wire: ClassVar[str] = "trial.completed"
    trial: int
    attempt: int = 0
    values: tuple[float, ...]
    duration: float | None = None
    """Seconds that this attempt took."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialStopped:
    """The trial was stopped early; its values are those at its last step."""

    wire: ClassVar[str] = "trial.stopped"
    trial: int
    attempt: int = 0
    values: tuple[float, ...]
    step: int
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialFailed:
    """The attempt failed: there are no values, only a reason."""

    wire: ClassVar[str] = "trial.failed"
    trial: int
    attempt: int = 0
    reason: str
    duration: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRetried:
    """Somebody asked that a failed trial be tried once more, as this attempt."""

    wire: ClassVar[str] = "trial.retried"
    trial: int
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeSet:
    """The objective, or a person, attached a named value to a trial."""

    wire: ClassVar[str] = "attribute.set"
    trial: int
    attempt: int = 0
    name: str
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetSet:
    """The study may have this many trials; of several budgets the largest holds."""

    wire: ClassVar[str] = "budget.set"
    trials: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyStopped:
    """Every process is asked to finish.

    Stops and reopenings are numbered by whoever writes one, one above the highest seen; the
    highest number holds, and of a stop and a reopening with the same number the stop.
    """

    wire: ClassVar[str] = "study.stopped"
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyReopened:
    """The study goes on after a stop."""

    wire: ClassVar[str] = "study.reopened"
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsembleBuilt:
    """An ensemble was selected among the trials that have saved predictions under a name.

    Those with one name are numbered by whoever writes one, one above the highest seen; the highest
    number holds.
    """

    wire: ClassVar[str] = "ensemble.built"
    name: str
    """Of the predictions that it was selected by."""
    generation: int
    members: tuple[int, ...]
    """The trials, ascending."""
    weights: tuple[float, ...]
    """Of each member; they make 1."""
    aggregator: str
    """How their predictions become one."""
    loss: str
    """What was minimised."""
    selector: Params = field(default_factory=dict)
    """The kind and options of what selected."""
    candidates: int
    """How many trials there were to choose from."""
    scores: Params = field(default_factory=dict)
    """By loss: of ensembles selected like this one, on rows that they were not selected by."""
    single: int
    """The best trial by the loss."""
    single_scores: Params = field(default_factory=dict)
    """The same of the best single trials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorRegistered:
    """What an earlier study teaches about this one; the earlier one need not exist any longer.

    All that were registered count, each id once.
    """

    wire: ClassVar[str] = "prior.registered"
    id: str
    """A hash of the name and the data."""
    name: str
    """Where it came from."""
    trials: int
    """How many trials with values the earlier study had."""
    data: Params
    """What was learned, in the coordinates of this study; see `fsopt.prior.source`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownEvent:
    """Written by a newer version; ignored and counted."""

    name: str


Event: TypeAlias = (
    WriterStarted
    | WriterClosed
    | Heartbeat
    | TrialProposed
    | TrialStarted
    | TrialReported
    | TrialPaused
    | TrialCompleted
    | TrialStopped
    | TrialFailed
    | TrialRetried
    | AttributeSet
    | BudgetSet
    | StudyStopped
    | StudyReopened
    | EnsembleBuilt
    | PriorRegistered
)

EVENTS: Mapping[str, type[Event]] = {
    kind.wire: kind
    for kind in (
        WriterStarted,
        WriterClosed,
        Heartbeat,
        TrialProposed,
        TrialStarted,
        TrialReported,
        TrialPaused,
        TrialCompleted,
        TrialStopped,
        TrialFailed,
        TrialRetried,
        AttributeSet,
        BudgetSet,
        StudyStopped,
        StudyReopened,
        EnsembleBuilt,
        PriorRegistered,
    )
}
"""Every event by its name on disk."""


@dataclass(frozen=True, slots=True)
class Record:
    """An event with its place in the study: the ``seq``-th that ``writer`` appended."""

    writer: str
    seq: int
    time: float
    """The writer's wall clock, seconds since 1970; for people, never for decisions."""
    event: Event | UnknownEvent
