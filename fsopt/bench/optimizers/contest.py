"""Running what is to be compared, several runs at a time."""

from __future__ import annotations

import contextlib
import math
import multiprocessing
import os
import statistics
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from fsopt.bench.functions import PROBLEMS, Problem
from fsopt.bench.optimizers.entrants import Entrant, entrant
from fsopt.bench.optimizers.results import Key, Result
from fsopt.bench.optimizers.simulation import Setting, simulate
from fsopt.errors import EvaluationError

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_DIGITS = ".8g"  # of what is kept


@dataclass(frozen=True, slots=True)
class Job:
    """One run, in names, which another process understands."""

    optimizer: str
    problem: str
    setting: Setting

    @property
    def key(self) -> Key:
        """The `Result.key` of what comes of it."""
        one = self.setting
        return self.optimizer, self.problem, one.seed, one.workers, one.delay

    def __str__(self) -> str:
        return f"{self.optimizer} on {self.problem}, seed {self.setting.seed}"


def jobs_for(
    entrants: Iterable[Entrant], problems: Sequence[Problem], settings: Sequence[Setting]
) -> list[Job]:
    """All runs of a comparison, seed by seed, so that it can be looked at before it is over.

    Raises:
        EvaluationError: If workers are to know of each other late, and an optimizer can't.
    """
    found = list(entrants)
    for one in found:
        if one.keeps_state and any(setting.delay for setting in settings):
            raise EvaluationError(
                f"{one.name} keeps a state, which knows of every trial at once; without "
                "--decentralised it can be compared"
            )
    return [
        Job(one.name, problem.name, setting)
        for setting in settings
        for problem in problems
        for one in found
    ]


def missing(jobs: Iterable[Job], results: Iterable[Result]) -> list[Job]:
    """The runs that are not among results of as many evaluations."""
    longest: dict[Key, int] = {}
    for result in results:
        longest[result.key] = max(longest.get(result.key, 0), len(result.regret))
    return [job for job in jobs if longest.get(job.key, 0) < job.setting.evaluations]


def run(job: Job) -> Result:
    """Do one run, in this process."""
    one, problem, setting = entrant(job.optimizer), PROBLEMS[job.problem], job.setting
    made = one.enter(problem.space, setting.seed, setting.evaluations)
    with contextlib.closing(made) as contestant:
        course = simulate(problem, contestant, setting)
    return Result(
        optimizer=job.optimizer,
        problem=job.problem,
        seed=setting.seed,
        workers=setting.workers,
        delay=setting.delay,
        package=one.distribution,
        version=one.version,
        failed=course.failed,
        cpu_mean=_short(statistics.fmean(course.costs)),
        cpu_median=_short(statistics.median(course.costs)),
        cpu_max=_short(max(course.costs)),
        regret=[_short(value) for value in course.regret],
        times=[_short(value) for value in course.times],
    )


def run_all(
    jobs: Sequence[Job],
    processes: int,
    keep: Callable[[Result], None],
    tell: Callable[[Job, str], None],
) -> int:
    """Do runs in processes of one thread each.

    Args:
        jobs: The runs.
        processes: How many at the same time.
        keep: Called with each result, in the order in which they come.
        tell: Called with each run that has ended, and its outcome.

    Returns:
        How many failed.
    """
    failures = 0
    spawn = multiprocessing.get_context("spawn")
    with one_thread(), ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        futures = {pool.submit(run, job): job for job in jobs}
        try:
            for future in as_completed(futures):
                failures += not _is_kept(futures[future], future, keep, tell)
        finally:  # where it is interrupted, what has not begun does not begin
            pool.shutdown(cancel_futures=True)
    return failures


def _is_kept(
    job: Job,
    future: Future[Result],
    keep: Callable[[Result], None],
    tell: Callable[[Job, str], None],
) -> bool:
    error = future.exception()
    if error is not None:
        tell(job, f"failed: {type(error).__name__}: {error}")
        return False
    result = future.result()
    keep(result)
    tell(job, f"{result.regret[-1]:.4g}, {result.cpu_mean:.2g} s a proposal")
    return True


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Numerical libraries read this when they are loaded, which is in the new processes."""
    before = {name: os.environ.get(name) for name in _ONE_THREAD}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _short(value: float) -> float:
    return value if math.isinf(value) else float(format(value, _DIGITS))
