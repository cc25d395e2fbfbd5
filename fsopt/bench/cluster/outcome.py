"""What came of a simulated study."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import TypeAlias

from fsopt.bench.cluster.cluster import Cluster, Setting
from fsopt.bench.cluster.filesystem import KINDS, Usage
from fsopt.bench.table import number

_MOMENTS = (0.25, 0.5, 1.0)
"""Of the time until the last trial began."""


_Value: TypeAlias = Callable[["Outcome"], float]
_Text: TypeAlias = Callable[[float], str]
_Middle: TypeAlias = Callable[[Iterable[float]], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A study in numbers."""

    workers: int
    proposers: int
    optimizer: str
    seed: int
    trials: int
    seconds: float
    """From the first process to the last."""
    until: float
    """When the last trial began, seconds; from then on not everybody can have one."""
    utilisation: float
    """Of the time until then of all processes but proposers, the share in which they evaluated."""
    steady: float
    """The same, of each process's time since its first evaluation began."""
    preempted: int
    lost: int
    repeated: float
    """Seconds of evaluation that were lost with processes, as a share of all."""
    starting: float
    """Operations until it evaluates, of a process that makes no snapshots and is no proposer."""
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
    evaluators = [process for process in processes if not process.proposes]
    there = sum(_time(process.came, process.left, until) for process in evaluators)
    ready = sum(_time(process.ready, process.left, until) for process in evaluators)
    starting, working, leaving = Usage(), Usage(), Usage()
    ordinary = [process for process in evaluators if not process.has_read_for_others]
    for process in ordinary:
        starting.add(process.spending.starting)
        working.add(process.spending.working)
        leaving.add(process.spending.leaving)
    turns = max(1, sum(max(0, process.spending.starts - 1) for process in ordinary))
    busiest = max(processes, key=lambda process: process.spending.working.count)
    by_second, evaluated = cluster.server.by_second, sum(b - a for a, b in work.spells)
    return Outcome(
        workers=setting.workers,
        proposers=setting.proposers,
        optimizer=setting.optimizer.kind,
        seed=setting.seed,
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


def texts(columns: Sequence[Sequence[Outcome]]) -> list[list[str]]:
    """A table, its head first.

    Args:
        columns: For each the outcomes of one kind of study, from several seeds. Told are
            arithmetic means, but of regrets the medians.
    """

    def row(what: str, value: _Value, text: _Text = number, middle: _Middle = fmean) -> list[str]:
        return [what, *(text(middle(value(outcome) for outcome in kind)) for kind in columns)]

    firsts = [kind[0] for kind in columns]
    return [
        ["", *(_who(outcome) for outcome in firsts)],
        ["optimizer", *(outcome.optimizer for outcome in firsts)],
        row("trials", lambda o: o.trials),
        row("virtual time, s", lambda o: o.seconds),
        row("utilisation until the last trial began", lambda o: o.utilisation, _percent),
        row("the same, since the first evaluation", lambda o: o.steady, _percent),
        row("processes preempted", lambda o: o.preempted),
        row("processes lost with their nodes", lambda o: o.lost),
        row("evaluation time repeated", lambda o: o.repeated, _percent),
        row("operations in a trial", lambda o: o.per_trial),
        *(row(f"- {kind}", _operations(kind)) for kind in KINDS),
        row("operations to start a process", lambda o: o.starting),
        row("operations in and after its last trial", lambda o: o.leaving),
        row("operations a second of who asks most", lambda o: o.busiest),
        row("operations a second, mean", lambda o: o.operations_per_second),
        row("operations in the busiest second", lambda o: o.peak),
        row("bytes read in a trial", lambda o: o.read),
        row("bytes written in a trial", lambda o: o.written),
        *(
            row(f"regret after {share:.0%} of that time", _regret_at(place), middle=median)
            for place, share in enumerate(_MOMENTS)
        ),
    ]


def _operations(kind: str) -> _Value:
    return lambda outcome: outcome.operations.get(kind, 0.0)


def _regret_at(place: int) -> _Value:
    return lambda outcome: outcome.regret[place]


def _who(outcome: Outcome) -> str:
    if not outcome.proposers:
        return f"{outcome.workers:,} workers"
    return f"{outcome.proposers:,} proposing, {outcome.workers - outcome.proposers:,} evaluating"


def _percent(share: float) -> str:
    return f"{share:.1%}"
