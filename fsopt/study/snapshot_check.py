"""Comparing the newest snapshot with the logs that it stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from fsopt import codec
from fsopt.config import StudyConfig
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.reader import Damage, Position
from fsopt.log.verify import Log, Problem, Severity, Told
from fsopt.state import StudyState, TrialRecord
from fsopt.state.residue import facts
from fsopt.study.chain import Chain

_SHOWN = 20
"""So many trials that differ are named one by one."""


@dataclass(slots=True)
class SnapshotCheck:
    """The newest snapshot that is whole, and how it agrees with the logs."""

    filesystem: Filesystem
    config: StudyConfig
    _state: StudyState = field(init=False)
    _positions: list[Position] = field(default_factory=list)
    _chain: Chain = field(init=False)

    def __post_init__(self) -> None:
        self._chain = Chain(self.filesystem, self.config, lambda: 0.0)
        self._state = StudyState(self.config.space, len(self.config.outcomes))

    def read(self) -> Told:
        """Read the snapshot.

        Returns:
            What it tells; nothing if there is none.

        Raises:
            StorageError: If it can't be read.
        """
        self._chain.take_in(self._state, self)
        lengths: dict[str, dict[int, int]] = {}
        for position in self._positions:
            lengths.setdefault(position.writer, {})[position.index] = position.offset
        trials = self._state.trials
        marks = [number for number, _ in self._chain.scalars.watermarks]
        return Told(
            logs={
                name: Log(writer.known.end, writer.known.gaps, lengths.get(name, {}))
                for name, writer in self._state.writers.items()
            },
            trials=frozenset(trials.numbers()),
            attempts=frozenset(
                (trial.number, index) for trial in trials.live() for index in trial.attempts
            ),
            watermark=max(marks, default=0),
            budget=self._chain.scalars.budget or 0,
        )

    def join(self, positions: Iterable[Position], _damage: Iterable[Damage]) -> None:
        """Note how far logs were read; what is damaged in them is reported elsewhere."""
        self._positions += positions

    def problems(self) -> Iterator[Problem]:
        """Where the snapshot does not tell what the logs up to its positions tell."""
        if not self._chain.tiers:
            return
        name = self._chain.tiers[-1].name.path
        from_logs = StudyState(self.config.space, len(self.config.outcomes))
        is_complete = True
        for position in self._positions:
            path = layout.segment(position.writer, position.index)
            try:
                data = self.filesystem.read(path)
            except OSError:
                # It was removed; or can't be read, which is reported where the logs are checked.
                is_complete = False
                continue
            if len(data) < position.offset:
                is_complete = False
                what = (
                    f"has {len(data)} bytes; {name} was made from {position.offset} bytes, and "
                    "still tells what they told"
                )
                yield Problem(path, len(data), Severity.WARNING, what)
            _apply(from_logs, position.writer, data[: position.offset])
        differing = list(self._differing(from_logs, is_complete=is_complete))
        for number in differing[:_SHOWN]:
            what = f"tells of trial {number} otherwise than the logs do that it was made from"
            yield Problem(name, 0, Severity.ERROR, what)
        if len(differing) > _SHOWN:
            what = f"tells of {len(differing) - _SHOWN} more trials otherwise than the logs do"
            yield Problem(name, 0, Severity.ERROR, what)

    def _differing(self, from_logs: StudyState, *, is_complete: bool) -> Iterator[int]:
        """The trials of which the snapshot tells less, or other things, than the logs."""
        if is_complete:
            for number in sorted({*self._state.trials.numbers(), *from_logs.trials.numbers()}):
                mine, theirs = self._state.trials.get(number), from_logs.trials.get(number)
                if _facts(mine) != _facts(theirs):
                    yield number
            return
        # Some logs are gone, so the others tell a part; it must be in the snapshot already.
        for trial in from_logs.trials:
            before = _facts(self._state.trials.get(trial.number))
            self._state.adopt(facts(trial))
            if _facts(self._state.trials.get(trial.number)) != before:
                yield trial.number


def _facts(trial: TrialRecord | None) -> list[bytes]:
    return [] if trial is None else [codec.encode(record) for record in facts(trial)]


def _apply(state: StudyState, writer: str, data: bytes) -> None:
    for line in data.split(b"\n"):
        try:
            state.apply(codec.decode(line, writer))
        except codec.DamagedLineError:
            continue  # reported where the logs are checked
