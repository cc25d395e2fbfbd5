"""What the worker loop says and when: nothing is told as finished before it is durable."""

from __future__ import annotations

import errno
import os

import fsopt
from fsopt.log.filesystem import Appender
from fsopt.log.memory import MemoryFilesystem
from fsopt.run.terms import Limits
from fsopt.run.worker import run_study
from fsopt.space import Float, Space
from fsopt.state import TrialRecord, TrialState


class Disk(MemoryFilesystem):
    """Takes no more bytes while it is full."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False

    def create(self, path: str) -> Appender:
        return Guarded(super().create(path), self)


class Guarded:
    """An appender of such a disk."""

    def __init__(self, inner: Appender, disk: Disk) -> None:
        self.inner, self.disk = inner, disk

    def write(self, data: bytes) -> int:
        if self.disk.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return self.inner.write(data)

    def sync(self) -> None:
        self.inner.sync()

    def close(self) -> None:
        self.inner.close()


class Listening:
    """Remembers what it is told; frees the disk once it was told of the trouble."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.told: list[tuple[str, int]] = []

    def finished(self, study: fsopt.Study, trial: TrialRecord) -> None:
        assert trial.state is TrialState.COMPLETED
        self.told.append(("finished", trial.number))

    def tick(self, study: fsopt.Study, running: int) -> None:
        if ("trouble", 0) in self.told:
            self.disk.full = False

    def notice(self, text: str) -> None:
        self.told.append(("trouble" if "Waiting" in text else "relief", 0))


def test_a_trial_is_told_once_it_is_written_and_not_while_the_disk_is_full() -> None:
    study = fsopt.create_study(None, space=Space(Float("x", 0, 1)), optimizer=fsopt.RandomSearch())
    disk = Disk()
    disk.files = study.session.journal.filesystem.files  # type: ignore[attr-defined]
    writer = study.session.journal._writer
    writer._filesystem = disk
    listening = Listening(disk)

    def objective(trial: fsopt.Trial) -> float:
        disk.full = trial.number == 1
        return 1.0

    summary = run_study(
        study,
        objective,
        workers=1,
        backend="serial",
        limits=Limits(trials=3),
        progress=listening,
    )
    assert listening.told == [
        ("finished", 0),
        ("trouble", 0),
        ("relief", 0),
        ("finished", 1),
        ("finished", 2),
    ]
    assert (summary.reason, summary.evaluated) == ("budget", 3)
