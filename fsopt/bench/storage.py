"""What a trial costs, and how fast studies open: the measurements of ``fsopt bench storage``.

Each measurement is a function that yields rows. To add one, write it and name it in `STORAGE`.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from functools import partial

from fsopt.bench.comparison import Bench, Measurement, NotMeasuredError, limited, refuse_beyond
from fsopt.bench.processes import count_calls, run_job, run_writers, why_no_tracing
from fsopt.bench.systems import Compactable, System
from fsopt.bench.table import Measured, Row
from fsopt.bench.trace import Counts

_MB = 1e6


def calls(bench: Bench) -> Iterator[Row]:
    """What trials ask of the system, in steady state."""
    refusal = why_no_tracing()
    for writers in bench.sizes.call_writers:
        bench.tell(f"system calls, {_processes(writers)}")
        measure = partial(_calls_of_a_trial, bench, refusal, writers)
        cells = bench.each(measure, len(_CALLS))
        for (what, unit), row in zip(_CALLS, cells, strict=True):
            yield Row(f"{what} in a trial, {_processes(writers)}", unit, row)


_CALLS = (
    ("system calls", ""),
    ("names created, removed or renamed", ""),
    ("names looked up", ""),
    ("fsyncs", ""),
    ("written", "bytes"),
    ("read", "bytes"),
)
"""What is counted, in the order of the fields of `Counts`, and its unit."""


def _calls_of_a_trial(
    bench: Bench, refusal: str | None, writers: int, system: System
) -> Sequence[Measured]:
    """The difference between two numbers of trials, so that starting and ending cancel out."""
    if refusal is not None:
        raise NotMeasuredError(refusal)
    total, note = limited(system, bench.sizes.call_trials * writers)
    many = total // writers
    few = many // 3
    costs = _calls_of_a_run(bench, writers, many, system)
    costs -= _calls_of_a_run(bench, writers, few, system)
    fields = (costs.calls, costs.names, costs.lookups, costs.syncs, costs.written, costs.read)
    return [Measured((field / ((many - few) * writers),), note) for field in fields]


def _calls_of_a_run(bench: Bench, writers: int, trials: int, system: System) -> Counts:
    with bench.work.empty(system.name) as study:
        return count_calls(system.name, study, writers, trials)


def rates(bench: Bench) -> Iterator[Row]:
    """Trials that processes finish together in a second, all of them recorded."""
    for writers in bench.sizes.rate_writers:
        what = f"trials a second, {_processes(writers)}"
        bench.tell(what)
        (cells,) = bench.each(partial(_rate, bench, writers), 1, bench.sizes.repeats)
        yield Row(what, "", cells, "more")


def _rate(bench: Bench, writers: int, system: System) -> Sequence[Measured]:
    total, note = limited(system, bench.sizes.rate_trials)
    each = total // writers
    with bench.work.empty(system.name) as study:
        seconds = run_writers(system.name, study, writers, each)
    return [Measured((each * writers / seconds,), note)]


def opening(bench: Bench) -> Iterator[Row]:
    """Opening studies of finished trials until they are ready to propose."""
    for trials in bench.sizes.opened:
        for compacted, where in ((False, "fsopt from its logs"), (True, "fsopt compacted")):
            what = f"open {trials:,} trials, {where}"
            bench.tell(what)
            measure = partial(_opening, bench, trials, compacted)
            cells = bench.each(measure, len(_OPENING), bench.sizes.repeats)
            for (part, unit), row in zip(_OPENING, cells, strict=True):
                yield Row(f"{what}: {part}", unit, row)


_OPENING = (
    ("fresh process, with imports", "s"),
    ("without imports", "s"),
    ("peak memory", "MB"),
)


def _opening(bench: Bench, trials: int, compacted: bool, system: System) -> Sequence[Measured]:
    refuse_beyond(system, trials)
    if not system.reads_when_opened:
        raise NotMeasuredError("reads when it runs")
    study = bench.work.prepared(system.name, trials, compacted=compacted)
    warm = bench.work.prepared(system.name, bench.sizes.warm, compacted=compacted)
    fresh = run_job("open", system.name, study, trials=trials, warm=None)
    warmed = run_job("open", system.name, study, trials=trials, warm=str(warm))
    return [
        Measured((fresh.seconds,)),
        Measured((warmed.data["seconds"],)),
        Measured((fresh.data["memory"] / _MB,)),
    ]


def files(bench: Bench) -> Iterator[Row]:
    """What a finished study leaves on the disk."""
    trials = bench.sizes.files
    what = f"a finished study of {trials:,} trials, fsopt compacted"
    bench.tell(what)
    count, size = bench.each(partial(_files, bench, trials), 2)
    yield Row(f"{what}: files", "", count)
    yield Row(f"{what}: size", "MB", size)


def _files(bench: Bench, trials: int, system: System) -> Sequence[Measured]:
    made, _ = limited(system, trials)
    study = bench.work.prepared(system.name, made)
    if isinstance(system, Compactable):
        run_job("compact", system.name, study, remove=True)
    sizes = [path.stat().st_size for path in study.rglob("*") if path.is_file()]
    scale = trials / made
    note = "" if made == trials else f"scaled from {made:,} trials"
    return [Measured((len(sizes) * scale,), note), Measured((sum(sizes) * scale / _MB,), note)]


def more(bench: Bench) -> Iterator[Row]:
    """What one more trial costs in a study that has many, where no model is fitted."""
    for trials in bench.sizes.more:
        what = f"one more trial after {trials:,}"
        bench.tell(what)
        cells = bench.each(partial(_more, bench, trials), 2, bench.sizes.repeats)
        for part, row in zip(("first of a process", "the following"), cells, strict=True):
            yield Row(f"{what}: {part}", "ms", row)


def _more(bench: Bench, trials: int, system: System) -> Sequence[Measured]:
    refuse_beyond(system, trials)
    study = bench.work.prepared(system.name, trials, compacted=True)
    answer = run_job("more", system.name, study, trials=bench.sizes.more_trials)
    first, *following = (seconds * 1000 for seconds in answer.data["seconds"])
    return [Measured((first,)), Measured((statistics.median(following),))]


def _processes(count: int) -> str:
    return "1 process" if count == 1 else f"{count} processes"


STORAGE: Sequence[Measurement] = (calls, rates, opening, files, more)
"""In this order, since studies are shared: those that are opened from their logs are compacted
afterwards, and get more trials at last."""
