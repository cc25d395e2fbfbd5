"""The files that processes leave of a finished study, written without running it.

Running 100,000 trials one by one takes too long for a benchmark. These are the bytes that as many
trials leave, in the form that ``docs/protocol.md`` states.
"""

from __future__ import annotations

import platform
import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import fsopt
from fsopt import codec
from fsopt.bench.systems.base import PARAMETERS, objective
from fsopt.events import Event, Record, TrialCompleted, TrialStarted, WriterClosed, WriterStarted
from fsopt.log import layout

WRITERS = 16
"""How many processes seem to have written the study, in turn."""

MOST_CLAIMS = 100_000
"""A larger study has no claims, as after they have been removed: making a million files would take
longer than everything else."""

_BEGAN = 1_700_000_000.0
"""When the first trial was started, seconds since 1970."""


def write_trials(directory: Path, trials: int) -> None:
    """Write the logs, and the claims, of finished trials.

    Args:
        directory: Of a study that has no trials yet.
        trials: How many.
    """
    _write_logs(directory, trials)
    if trials <= MOST_CLAIMS:
        _write_claims(directory, trials)


def _write_logs(directory: Path, trials: int) -> None:
    writers = [_writer(index) for index in range(WRITERS)]
    ends = dict.fromkeys(writers, 0)
    with ExitStack() as stack:
        files = {}
        for writer in writers:
            path = directory / layout.segment(writer, 0)
            path.parent.mkdir(parents=True, exist_ok=True)
            files[writer] = stack.enter_context(path.open("wb"))
        for writer, time, event in _events(writers, trials, ends):
            files[writer].write(codec.encode(Record(writer, ends[writer], time, event)))
            ends[writer] += 1


def _events(
    writers: list[str], trials: int, ends: Mapping[str, int]
) -> Iterator[tuple[str, float, Event]]:
    """Who says what when: the writers take turns, one trial each.

    Args:
        writers: Their ids.
        trials: How many in all.
        ends: How many events each writer has written, kept up to date by the caller.
    """
    for pid, writer in enumerate(writers, 1):
        yield writer, _BEGAN, _introduction(pid)
    draws = random.Random(0)
    told: dict[str, dict[str, int]] = {writer: {} for writer in writers}
    for number in range(trials):
        writer, time = writers[number % len(writers)], _BEGAN + number
        before = told[writer]
        seen = {w: end for w, end in ends.items() if w != writer and before.get(w) != end}
        before.update(seen)
        values = [draws.random() for _ in PARAMETERS]
        params = dict(zip(PARAMETERS, values, strict=True))
        yield writer, time, TrialStarted(trial=number, params=params, by="random", seen=seen)
        yield writer, time + 0.5, TrialCompleted(trial=number, values=(objective(values),))
    for writer in writers:
        yield writer, _BEGAN + trials, WriterClosed()


def _introduction(pid: int) -> WriterStarted:
    return WriterStarted(
        host="bench", pid=pid, version=fsopt.__version__, python=platform.python_version()
    )


def _writer(index: int) -> str:
    return f"bench-{4000 + index}-{index:06x}"


def _write_claims(directory: Path, trials: int) -> None:
    for number in range(trials):
        path = directory / layout.claim(number)
        if number % layout.CLAIMS_PER_SHARD == 0:
            path.parent.mkdir(parents=True)
        path.write_text(f"{_writer(number % WRITERS)}\n")
