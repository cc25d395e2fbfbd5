"""Runs on several objectives, and the Parquet file that keeps them.

Its columns: ``optimizer``, ``problem``, ``seed``, ``package``, ``version``; ``cpu_median``, the
CPU seconds of a proposal; ``hypervolume``, a list with one number for each evaluation.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fsopt.bench.multiobjective.entrants import Entrant
from fsopt.bench.multiobjective.problems import FrontProblem
from fsopt.moo.hypervolume import hypervolume


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run that is over."""

    optimizer: str
    problem: str
    seed: int
    package: str
    version: str
    cpu_median: float
    """CPU seconds of a proposal."""
    hypervolume: Sequence[float]
    """After each evaluation, of all configurations so far that violate no constraint."""


def run(one: Entrant, problem: FrontProblem, seed: int, evaluations: int) -> Run:
    """Run one optimizer on one problem, one evaluation after the other."""
    m, reference = problem.objectives, problem.reference()
    front = np.empty((0, m))
    volumes, costs = [], []
    with closing(one.enter(problem, seed)) as player:
        for number in range(evaluations):
            begun = time.process_time()
            params = player.ask(number)
            cost = time.process_time() - begun
            told = problem.evaluate(params)
            begun = time.process_time()
            player.tell(number, told[:m], told[m:])
            costs.append(cost + time.process_time() - begun)
            if (told[m:] <= 0).all():
                front = np.vstack([front, told[:m]])
            volumes.append(hypervolume(front, reference))
    return Run(
        optimizer=one.name,
        problem=problem.name,
        seed=seed,
        package=one.distribution,
        version=one.version,
        cpu_median=statistics.median(costs),
        hypervolume=volumes,
    )


def run_missing(
    entrants: Sequence[Entrant],
    problems: Sequence[FrontProblem],
    seeds: int,
    evaluations: int,
    runs: list[Run],
    done: Callable[[Run], None],
) -> None:
    """Do the runs that are not among those given, seed by seed, and add them.

    Args:
        entrants: Who runs.
        problems: On what.
        seeds: So many times each.
        evaluations: So many in each.
        runs: Runs that are over.
        done: Called with each run, when it is among them.
    """
    known = {(r.optimizer, r.problem, r.seed) for r in runs if len(r.hypervolume) >= evaluations}
    for seed in range(seeds):
        for problem in problems:
            for one in entrants:
                if (one.name, problem.name, seed) not in known:
                    runs.append(run(one, problem, seed, evaluations))
                    done(runs[-1])


def read(path: Path) -> list[Run]:
    """The runs in a file, if there is one."""
    import pyarrow.parquet as pq

    if not path.exists():
        return []
    return [Run(**row) for row in pq.read_table(path).to_pylist()]


def write(path: Path, runs: Sequence[Run]) -> None:
    """Write runs as Parquet: float32, compressed by zstd, complete or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("optimizer", "problem")),
            ("seed", pa.int32()),
            *((name, pa.string()) for name in ("package", "version")),
            ("cpu_median", pa.float32()),
            ("hypervolume", pa.list_(pa.float32())),
        ]
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".new")
    table = pa.Table.from_pylist([dataclasses.asdict(one) for one in runs], schema)
    pq.write_table(table, aside, compression="zstd", compression_level=19)
    aside.replace(path)
