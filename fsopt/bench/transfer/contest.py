"""The runs of `fsopt bench transfer`, and what they amount to."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np

from fsopt.bench.optimizers.results import Result, ResultFile
from fsopt.bench.optimizers.simulation import Setting, simulate
from fsopt.bench.transfer.entrants import Entrant
from fsopt.bench.transfer.tasks import KINDS, Family
from fsopt.history import FloatArray

ALONE = "fsopt-alone"
_TINY = 1e-9  # lest a single regret of 0 decides a geometric mean


@dataclass(frozen=True, slots=True)
class Job:
    """One run."""

    entrant: Entrant
    family: Family
    kind: str
    seed: int

    @property
    def problem(self) -> str:
        """What it is called in the file of results."""
        kind = "none" if self.entrant.name == ALONE else self.kind
        return f"{self.family.name}, {kind}"

    def run(self, evaluations: int) -> Result:
        """Do it, in this process."""
        problem, one = self.family.task(self.seed), self.entrant
        sources = () if one.name == ALONE else self.family.sources(self.kind)
        with closing(one.enter(problem.space, self.seed, sources)) as contestant:
            setting = Setting(seed=self.seed, evaluations=evaluations)
            course = simulate(problem, contestant, setting)
        return Result(
            optimizer=one.name,
            problem=self.problem,
            seed=self.seed,
            package=one.distribution,
            version=one.version,
            cpu_mean=statistics.fmean(course.costs),
            cpu_median=statistics.median(course.costs),
            regret=course.regret,
        )


def jobs_for(
    entrants: Sequence[Entrant], families: Sequence[Family], kinds: Sequence[str], seeds: int
) -> Iterator[Job]:
    """All runs, seed by seed; who takes no sources has one run for all kinds of them."""
    for seed in range(seeds):
        for family in families:
            for one in entrants:
                for kind in kinds if one.name != ALONE else kinds[:1]:
                    yield Job(one, family, kind, seed)


def run_missing(
    jobs: Iterator[Job], evaluations: int, file: ResultFile, tell: Callable[[Result], None]
) -> None:
    """Do the runs that are not in a file, and add them.

    Args:
        jobs: The runs.
        evaluations: So many in each.
        file: The file.
        tell: Called with each run that is over.
    """
    known = {r.key for r in file.results if len(r.regret) >= evaluations}
    for job in jobs:
        if (job.entrant.name, job.problem, job.seed, 1, 0.0) not in known:
            result = job.run(evaluations)
            file.append(result)
            tell(result)


@dataclass(frozen=True, slots=True)
class Line:
    """How one entrant fared on one family with one kind of sources."""

    family: str
    kind: str
    entrant: str
    seeds: int
    regret: tuple[float, float]
    """Geometric means, after a third of the evaluations and after all."""
    needed: int | None
    """Evaluations to the regret that the optimizer alone has after all of its own; None if it was
    not reached."""


def summary(results: Sequence[Result], evaluations: int) -> list[Line]:
    """How all compare, on the seeds that all have."""
    found = []
    families = dict.fromkeys(result.problem.rpartition(", ")[0] for result in results)
    for family in families:
        alone = _curve(results, ALONE, f"{family}, none", evaluations)
        if alone is None:
            continue
        for kind in ("none", *KINDS):
            for name in dict.fromkeys(result.optimizer for result in results):
                curve = _curve(results, name, f"{family}, {kind}", evaluations)
                if curve is not None:
                    reached = np.flatnonzero(curve[0] <= alone[0][-1])
                    needed = int(reached[0]) + 1 if len(reached) else None
                    ends = float(curve[0][evaluations // 3 - 1]), float(curve[0][-1])
                    found.append(Line(family, kind, name, curve[1], ends, needed))
    return found


def _curve(
    results: Sequence[Result], optimizer: str, problem: str, evaluations: int
) -> tuple[FloatArray, int] | None:
    """(evaluations,) The geometric mean of the best regret so far, and of how many seeds."""
    curves = [
        np.minimum.accumulate(result.regret[:evaluations])
        for result in results
        if (result.optimizer, result.problem) == (optimizer, problem)
        and len(result.regret) >= evaluations
    ]
    if not curves:
        return None
    mean: FloatArray = np.exp(np.mean(np.log(np.maximum(curves, _TINY)), axis=0))
    return mean, len(curves)


def texts(lines: Sequence[Line], evaluations: int) -> list[list[str]]:
    """The table as text, its head first."""
    head = ["tasks", "sources", "optimizer", "seeds", f"regret at {evaluations // 3}"]
    head += [f"regret at {evaluations}", "evaluations needed"]
    return [
        head,
        *(
            [
                *(line.family, line.kind, line.entrant, str(line.seeds)),
                *(f"{value:.2g}" for value in line.regret),
                f"over {evaluations}" if line.needed is None else str(line.needed),
            ]
            for line in lines
        ),
    ]
