"""All runs of a comparison."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from fsopt.bench.optimizers.contest import one_thread
from fsopt.bench.stopping.results import read
from fsopt.bench.stopping.rivals import Rival
from fsopt.bench.stopping.scores import Run, Score, run, score
from fsopt.bench.stopping.tables import load

BASELINE = "none"
"""The stopper that lets every trial go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """What is compared, with one count of workers."""

    rivals: Sequence[Rival]
    tasks: Sequence[str]
    seeds: int
    trials: int
    workers: int


def compare(
    contest: Contest, processes: int, tell: Callable[[str], None]
) -> tuple[list[Score], list[Run]]:
    """How all do, in their order, and every run.

    Runs of packages that are not installed are those that were recorded.

    Args:
        contest: What is compared.
        processes: How many run at the same time.
        tell: Called with what begins.
    """
    tables = {task: load()[task] for task in contest.tasks}
    spawn = multiprocessing.get_context("spawn")
    with one_thread(), ProcessPoolExecutor(processes, mp_context=spawn) as pool:
        futures = {
            rival.name: [pool.submit(_run, job) for job in _jobs(contest, rival.name)]
            for rival in contest.rivals
            if rival.is_installed
        }
        found = {}
        for name, pending in futures.items():
            tell(f"{name}, {contest.workers} workers")
            found[name] = [future.result() for future in pending]
    found |= _recorded(contest)
    if BASELINE not in found:
        found = {BASELINE: [_run(job) for job in _jobs(contest, BASELINE)]} | found
    ordered = [BASELINE, *(r.name for r in contest.rivals if r.name in found)]
    scores = [score(found[name], found[BASELINE], tables) for name in dict.fromkeys(ordered)]
    return scores, [one for name in dict.fromkeys(ordered) for one in found[name]]


_Job = tuple[str, str, int, int, int]  # of a name, a task, a seed, workers and trials


def _jobs(contest: Contest, name: str) -> list[_Job]:
    return [
        (name, task, seed, contest.workers, contest.trials)
        for task in contest.tasks
        for seed in range(contest.seeds)
    ]


def _run(job: _Job) -> Run:
    name, task, *numbers = job
    return run(name, load()[task], *numbers)


def _recorded(contest: Contest) -> dict[str, list[Run]]:
    """The recorded runs of rivals that are not installed, where there are all."""
    missing = [rival.name for rival in contest.rivals if not rival.is_installed]
    if not missing:
        return {}
    known = {(r.stopper, r.task, r.seed, r.workers, r.trials): r for r in read()}
    wanted = {name: _jobs(contest, name) for name in missing}
    return {
        name: [known[job] for job in jobs]
        for name, jobs in wanted.items()
        if all(job in known for job in jobs)
    }
