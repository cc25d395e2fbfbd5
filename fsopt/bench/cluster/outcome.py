"""What came of a simulated study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fsopt.bench.cluster.cluster import Cluster, Setting
from fsopt.bench.cluster.filesystem import KINDS, Usage
from fsopt.bench.table import number

_MOMENTS = (0.25, 0.5, 1.0)
"""Of the time until the last trial began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A study in numbers."""

    workers: int
    trials: int
    seconds: float
    """From the first process to the last."""
    until: float
    """When the last trial began, seconds; from then on not everybody can have one."""
    utilisation: float
    """Of the processes' time until then, the share in which they evaluated."""
    steady: float
    """The same, of each process's time since its first evaluation began."""
    preempted: int
    lost: int
    repeated: float
    """Seconds of evaluation that were lost with processes, as a share of all."""
    starting: float
    """Operations until it evaluates, of a process that makes no snapshots."""
    leaving: float
    """Operations of such a process since it began its last evaluation."""
    operations: Mapping[str, float]
    """Those of such a process from one begin of an evaluation to the next, by kind."""
    busiest: float
    """Operations a second of the process that asks most, usually the one that reads for all."""
    operations_per_second: float
    """Of all processes."""
    peak: int
    """Operations in the busiest second."""
    read: float
    """Bytes in a trial."""
    written: float
    """Bytes in a trial."""
    regret: Sequence[float]
    """After a quarter, a half and all of the time until the last trial began."""

    @property
    def per_trial(self) -> float:
        """Operations from one begin of an evaluation to the next."""
        return sum(self.operations.values())


def simulate(setting: Setting) -> Outcome:
    """Simulate a study.

    Raises:
        EvaluationError: If it did not end with exactly its trials.
    """
    cluster = Cluster(setting)
    cluster.run()
    return _outcome(cluster)


def _outcome(cluster: Cluster) -> Outcome:
    work, processes, setting = cluster.work, cluster.processes, cluster.setting
    until = max(at for (_, attempt), at in work.begun.items() if attempt == 0)
    busy = sum(max(0.0, min(end, until) - begin) for begin, end in work.spells)
    there = sum(_time(process.came, process.left, until) for process in processes)
    ready = sum(_time(process.ready, process.left, until) for process in processes)
    starting, working, leaving = Usage(), Usage(), Usage()
    ordinary = [process for process in processes if not process.has_read_for_others]
    for process in ordinary:
        starting.add(process.spending.starting)
        working.add(process.spending.working)
        leaving.add(process.spending.leaving)
    turns = max(1, sum(max(0, process.spending.starts - 1) for process in ordinary))
    busiest = max(processes, key=lambda process: process.spending.working.count)
    by_second, evaluated = cluster.server.by_second, sum(b - a for a, b in work.spells)
    return Outcome(
        workers=setting.workers,
        trials=setting.trials,
        seconds=cluster.timeline.now,
        until=until,
        utilisation=busy / there,
        steady=busy / ready,
        preempted=cluster.preempted,
        lost=cluster.lost,
        repeated=work.repeated / evaluated,
        starting=starting.count / len(ordinary),
        leaving=leaving.count / len(ordinary),
        operations=_shares(working.operations, turns),
        busiest=busiest.spending.working.count / _time(busiest.ready, busiest.left, until),
        operations_per_second=by_second.total() / cluster.timeline.now,
        peak=max(by_second.values()),
        read=working.read / turns,
        written=working.written / turns,
        regret=[_regret(work.ended, share * until) for share in _MOMENTS],
    )


def _time(begin: float, end: float | None, until: float) -> float:
    return max(0.0, min(until if end is None else end, until) - begin)


def _shares(operations: Counter[str], turns: int) -> dict[str, float]:
    return {kind: operations[kind] / turns for kind in KINDS if operations[kind]}


def _regret(ended: Sequence[tuple[float, float]], at: float) -> float:
    return min((regret for time, regret in ended if time <= at), default=math.nan)


def texts(outcomes: Sequence[Outcome]) -> list[list[str]]:
    """A table of one column for each study, its head first."""
    rows: list[tuple[str, list[str]]] = [
        ("trials", [number(o.trials) for o in outcomes]),
        ("virtual time, s", [number(o.seconds) for o in outcomes]),
        ("utilisation until the last trial began", [_percent(o.utilisation) for o in outcomes]),
        ("the same, since the first evaluation", [_percent(o.steady) for o in outcomes]),
        ("processes preempted", [number(o.preempted) for o in outcomes]),
        ("processes lost with their nodes", [number(o.lost) for o in outcomes]),
        ("evaluation time repeated", [_percent(o.repeated) for o in outcomes]),
        ("operations in a trial", [number(o.per_trial) for o in outcomes]),
    ]
    for kind in KINDS:
        rows.append((f"- {kind}", [number(o.operations.get(kind, 0.0)) for o in outcomes]))
    rows += [
        ("operations to start a process", [number(o.starting) for o in outcomes]),
        ("operations in and after its last trial", [number(o.leaving) for o in outcomes]),
        ("operations a second of who reads for all", [number(o.busiest) for o in outcomes]),
        ("operations a second, mean", [number(o.operations_per_second) for o in outcomes]),
        ("operations in the busiest second", [number(o.peak) for o in outcomes]),
        ("bytes read in a trial", [number(o.read) for o in outcomes]),
        ("bytes written in a trial", [number(o.written) for o in outcomes]),
    ]
    for position, share in enumerate(_MOMENTS):
        cells = [number(o.regret[position]) for o in outcomes]
        rows.append((f"regret after {share:.0%} of that time", cells))
    head = ["", *(f"{o.workers:,} workers" for o in outcomes)]
    return [head, *([what, *cells] for what, cells in rows)]


def _percent(share: float) -> str:
    return f"{share:.1%}"
