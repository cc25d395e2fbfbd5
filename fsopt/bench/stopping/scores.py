"""Steps spent and regret found, and how many steps the same would cost without stopping."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.bench.stopping.replay import replay
from fsopt.bench.stopping.rivals import rival
from fsopt.bench.stopping.tables import CurveTable
from fsopt.history import FloatArray
from fsopt.streams import stream


@dataclass(frozen=True, slots=True)
class Run:
    """One study."""

    stopper: str
    task: str
    seed: int
    workers: int
    trials: int
    steps: int
    """Of all trials."""
    regret: float
    """Of the chosen trial, if it were completed; see `CurveTable.regrets`."""
    time: float
    """How long it took, in medians of a step's duration."""


def run(name: str, table: CurveTable, seed: int, workers: int, trials: int) -> Run:
    """Replay some of a task's curves, the same for every stopper."""
    order = stream(seed, f"order of {table.task}").permutation(len(table.losses))[:trials]
    losses = table.losses[order]
    judge = rival(name).make(losses.shape[1], seed)
    course = replay(losses, judge, workers, seed)
    regret = float(table.regrets[order[course.chosen]])
    spent = int(course.steps.sum())
    return Run(name, table.task, seed, workers, trials, spent, regret, course.time)


@dataclass(frozen=True, slots=True)
class Score:
    """How a stopper did in all runs of one kind."""

    stopper: str
    share: float
    """The steps that it spent, as a part of those of all trials."""
    regret: float
    """The mean of the regrets."""
    worse: float
    """By how much the mean of the regrets is more than without stopping."""
    saving: float
    """How many times as many steps would be needed without stopping, to find as much."""
    speed: float
    """How many times as fast it was as all steps of all trials would be."""


def score(runs: Sequence[Run], without: Sequence[Run], tables: Mapping[str, CurveTable]) -> Score:
    """How a stopper did, beside no stopping with the same curves."""
    steps = {task: table.losses.shape[1] for task, table in tables.items()}
    regret = float(np.mean([one.regret for one in runs]))
    spent = float(np.mean([one.steps / steps[one.task] for one in runs]))
    course = np.mean([expected_regrets(tables[one.task].regrets) for one in runs], axis=0)
    return Score(
        stopper=runs[0].stopper,
        share=float(np.mean([one.steps / steps[one.task] / one.trials for one in runs])),
        regret=regret,
        worse=regret - float(np.mean([one.regret for one in without])),
        saving=_needed(course, regret) / spent,
        speed=sum(one.time for one in without) / sum(one.time for one in runs),
    )


def expected_regrets(regrets: FloatArray) -> FloatArray:
    """(n,) The expected least regret of 1, 2, ..., n configurations drawn from all.

    That of ``m`` is the ``i``-th best with the probability that it is drawn and no better one is,
    ``C(n - i, m - 1) / C(n, m)``.

    Args:
        regrets: (n,) Of all configurations.
    """
    count, ordered = len(regrets), np.sort(regrets)
    log_factorials = np.array([math.lgamma(k + 1) for k in range(count + 1)])
    expected = np.empty(count)
    for drawn in range(1, count + 1):
        worse = np.arange(count - 1, drawn - 2, -1)  # than the i-th best, where enough are left
        logarithms = log_factorials[worse] - log_factorials[worse - drawn + 1]
        logarithms -= log_factorials[drawn - 1]
        total = log_factorials[count] - log_factorials[drawn] - log_factorials[count - drawn]
        expected[drawn - 1] = np.exp(logarithms - total) @ ordered[: len(worse)]
    return expected


def _needed(expected: FloatArray, regret: float) -> float:
    """How many configurations have this regret in expectation, between the two nearest counts."""
    counts = np.arange(1.0, len(expected) + 1)
    return float(np.interp(-regret, -expected, counts))
