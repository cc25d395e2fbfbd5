"""Making a proposal once more, from the history that its proposer had seen.

A proposal is a function of the study's seed, the trial's number and the history that the proposer
knew, and the log tells how far it knew the logs of all others. So anybody can find out whether it
was made as the log says, and why.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

import fsopt
from fsopt.errors import FsoptError, ReplayError, SpaceError, StudyError
from fsopt.events import Record, TrialProposed, TrialStarted
from fsopt.history import History
from fsopt.log import layout, snapshots
from fsopt.log.reader import LogReader
from fsopt.log.snapshots import SnapshotName
from fsopt.search import Explainer, Explanation, Optimizer
from fsopt.search.registry import optimizer_from_json
from fsopt.state import StudyState
from fsopt.study.archive import Archive
from fsopt.study.dispatch import ENQUEUED, IMPORTED
from fsopt.study.session import Session
from fsopt.study.snapshot import Contents, DamagedSnapshotError, from_bytes
from fsopt.values import Params, to_json

Telling = TrialStarted | TrialProposed
"""The events that tell of proposals."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of making a proposal once more."""

    proposed: Params
    """The configuration that the study has."""
    again: Params | None
    """The one that was proposed now; None if none was found."""
    difference: str | None
    """What is not the same; None if everything is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occasion:
    """What a process knew when it proposed a trial. Made by `recollect`."""

    session: Session
    optimizer: Optimizer
    version: str
    """Of the package that made the proposal."""
    proposed: Params
    event: Telling
    """Tells of the proposal."""
    first: Telling
    """The same, or the first of the batch in which the proposal was made."""
    numbers: tuple[int, ...]
    """All trials that were proposed in the same call."""
    before: History
    """The study before any of them."""
    beside: History
    """The study with those of them that were proposed before this one."""

    def repeat(self) -> Replay:
        """Make the proposal once more.

        Raises:
            ReplayError: If it comes out differently, but was made by another version of fsopt.
        """
        again: Params | None = None
        difference: str | None = None
        try:
            again = self._propose()
        except FsoptError as error:
            difference = f"the optimizer finds no configuration: {error}"
        else:
            difference = self._difference(again)
        if difference is not None and self.version != fsopt.__version__:
            raise ReplayError(
                f"it was proposed by fsopt {self.version}, and fsopt {fsopt.__version__} "
                "proposes another configuration. Install that version to replay it"
            )
        return Replay(proposed=self.proposed, again=again, difference=difference)

    def explain(self) -> Explanation | None:
        """Why the configuration was proposed; None if the optimizer can't tell."""
        if not isinstance(self.optimizer, Explainer):
            return None
        space = self.session.config.space
        try:
            unit = space.to_unit(space.to_row(self.proposed)[np.newaxis])[0]
            return self.optimizer.explain(self.beside, self.event.trial, self._seed, unit)
        except SpaceError:
            return None  # it fits the space no more than anything the optimizer would propose

    @property
    def _seed(self) -> int:
        return self.session.config.seed or 0

    def _propose(self) -> Params:
        space = self.session.config.space
        units = self.optimizer.suggest(self.before, self.numbers, self._seed)
        rows = space.from_unit(units)
        return space.from_row(rows[self.numbers.index(self.event.trial)])

    def _difference(self, again: Params) -> str | None:
        view = self.before.checksum()
        if self.first.view not in (None, view):
            return (
                f"the history that the logs tell (checksum {view}) is not the one that the "
                f"optimizer saw (checksum {self.first.view})"
            )
        if _spelled(again) != _spelled(self.proposed):
            return "from the same history the optimizer proposes another configuration"
        return None


def read_logs(session: Session) -> list[Record]:
    """All events of the logs that are there.

    Raises:
        StorageError: If a log can't be read.
    """
    return LogReader(session.journal.filesystem, own="").poll(0.0)


def recollect(session: Session, number: int, records: Iterable[Record]) -> Occasion:
    """What was known when a trial was proposed.

    Args:
        session: Of the study, which knows the trial.
        number: The trial.
        records: All events of the logs, as `read_logs` gives them.

    Raises:
        ReplayError: If the proposal was made by a person, or what led to it is not known (any
            more); says why.
        StorageError: If a snapshot can't be read.
    """
    proposal = session.state.trials[number].effective_proposal
    if proposal is None:
        raise ReplayError("no event tells its configuration")
    if proposal.by == ENQUEUED:
        raise ReplayError("a person enqueued it")
    if proposal.by == IMPORTED:
        raise ReplayError("it was evaluated in another study, and imported")
    if functions := session.config.space.missing_callables:
        raise ReplayError(
            f"the space has Python functions ({', '.join(functions)}), which are not in the study"
        )
    logs = _Logs.of(records)
    writer = proposal.stamp.writer
    event = logs.telling(writer, proposal.stamp.seq)
    first_seq = logs.first_of_batch(writer, proposal.stamp.seq)
    first = logs.telling(writer, first_seq)
    cuts = logs.told_by(writer, first_seq)
    if first.snapshot is not None:
        for name, end in _positions(session, first.snapshot).items():
            cuts[name] = max(cuts.get(name, 0), end)
    logs.check(cuts)
    numbers = first.numbers or (first.trial,)
    if event.trial not in numbers:
        raise ReplayError("the event of its batch's first trial does not name it")
    optimizer, version = _optimizer(session, writer)
    before = _history(session, logs, cuts | {writer: first_seq})
    beside = before
    if event is not first:
        beside = _history(session, logs, cuts | {writer: proposal.stamp.seq})
    return Occasion(
        session=session,
        optimizer=optimizer,
        version=version,
        proposed=proposal.params,
        event=event,
        first=first,
        numbers=numbers,
        before=before,
        beside=beside,
    )


@dataclass(frozen=True, slots=True)
class _Logs:
    """The events of each writer by sequence number."""

    by_writer: Mapping[str, Mapping[int, Record]]

    @classmethod
    def of(cls, records: Iterable[Record]) -> _Logs:
        found: dict[str, dict[int, Record]] = {}
        for record in records:
            found.setdefault(record.writer, {}).setdefault(record.seq, record)
        return cls(found)

    def telling(self, writer: str, seq: int) -> Telling:
        """The event that tells of a proposal."""
        record = self.by_writer.get(writer, {}).get(seq)
        if record is None or not isinstance(record.event, Telling):
            raise ReplayError(_gone([writer]))
        return record.event

    def first_of_batch(self, writer: str, seq: int) -> int:
        """Where the first trial of the batch was told, in which a trial was proposed."""
        batch = self.telling(writer, seq).batch
        if batch is None:
            return seq
        for at in range(seq, -1, -1):
            record = self.by_writer[writer].get(at)
            if record is not None and _is_first(record, batch):
                return at
        raise ReplayError(_gone([writer]))

    def told_by(self, writer: str, seq: int) -> dict[str, int]:
        """How far a writer knew each other log when it wrote an event, as it says itself."""
        self.check({writer: seq + 1})
        cuts: dict[str, int] = {}
        for at in range(seq + 1):
            for name, end in getattr(self.by_writer[writer][at].event, "seen", {}).items():
                cuts[name] = max(cuts.get(name, 0), end)
        return cuts

    def check(self, cuts: Mapping[str, int]) -> None:
        """Whether all events below some positions are there."""
        incomplete = [
            name
            for name, end in cuts.items()
            if not self.by_writer.get(name, {}).keys() >= set(range(end))
        ]
        if incomplete:
            raise ReplayError(_gone(incomplete))

    def below(self, cuts: Mapping[str, int]) -> Iterable[Record]:
        """The events below some positions."""
        for name, end in cuts.items():
            its = self.by_writer.get(name, {})
            yield from (its[seq] for seq in range(end))


def _is_first(record: Record, batch: int) -> bool:
    event = record.event
    return isinstance(event, Telling) and event.batch == event.trial == batch


def _gone(writers: Sequence[str]) -> str:
    more = f" and {len(writers) - 1} more" if len(writers) > 1 else ""
    return (
        f"events that it is based on are not in the logs any more, of {writers[0]}{more}: "
        "compaction has removed them, or they are damaged (fsopt verify tells). What they amount "
        "to is known, but not the order in which it became so"
    )


def _history(session: Session, logs: _Logs, cuts: Mapping[str, int]) -> History:
    config = session.config
    state = StudyState(config.space, len(session.objectives))
    state.apply_all(logs.below(cuts))
    archive = Archive(
        state.trials,
        config.space,
        session.objectives,
        noisy=config.noisy,
        stops=config.stopper is not None,
    )
    return archive.history(state.budget, state.registered_priors())


def _optimizer(session: Session, writer: str) -> tuple[Optimizer, str]:
    known = session.state.writers.get(writer)
    if known is None or known.started is None:
        raise ReplayError(_gone([writer]))
    try:
        return optimizer_from_json(known.started.optimizer), known.started.version
    except StudyError as error:
        raise ReplayError(f"it was proposed by fsopt {known.started.version}: {error}") from error


def _positions(session: Session, path: str) -> dict[str, int]:
    """How far a snapshot tells of each writer."""
    key = layout.parse_snapshot(path.rpartition("/")[2])
    newest = _contents(session, SnapshotName(*key)) if key else None
    files = [*(_contents(session, base) for base in newest.base), newest] if newest else [None]
    positions: dict[str, int] = {}
    for contents in files:
        if contents is None:
            raise ReplayError(
                f"it is based on {path}, which is not there any more, or damaged: where one "
                "process reads the logs for all others, snapshots stay for a few minutes only"
            )
        positions |= {name: entry.state.known.end for name, entry in contents.writers.items()}
    return positions


def _contents(session: Session, name: SnapshotName) -> Contents | None:
    content = snapshots.read(session.journal.filesystem, name)
    try:
        return None if content is None else from_bytes(content, session.config)
    except DamagedSnapshotError:
        return None


def _spelled(params: Params) -> str:
    """A configuration as text in which values of different types differ."""
    return json.dumps({name: to_json(value) for name, value in sorted(params.items())})
