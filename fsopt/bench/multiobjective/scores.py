"""How runs on several objectives compare."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np

from fsopt.bench.multiobjective.contest import Run


def table(runs: Sequence[Run], evaluations: int) -> list[list[str]]:
    """Mean hypervolumes after some evaluations, relative to the largest of any run.

    Args:
        runs: The runs; shorter ones count for nothing.
        evaluations: After how many.

    Returns:
        A head, a line for each optimizer with its mean on each problem, its mean rank and the
        CPU seconds of a proposal, the best rank first.
    """
    last = {
        (run.optimizer, run.problem, run.seed): run.hypervolume[evaluations - 1]
        for run in runs
        if len(run.hypervolume) >= evaluations
    }
    problems = list(dict.fromkeys(problem for _, problem, _ in last))
    optimizers = list(dict.fromkeys(optimizer for optimizer, _, _ in last))
    means = np.full((len(optimizers), len(problems)), np.nan)
    for j, problem in enumerate(problems):
        largest = max(value for key, value in last.items() if key[1] == problem)
        for i, optimizer in enumerate(optimizers):
            own = [value for key, value in last.items() if key[:2] == (optimizer, problem)]
            if own:
                means[i, j] = statistics.fmean(own) / (largest or 1.0)
    ranks = np.array([(means > row).sum(axis=0) + 1 for row in means]).mean(axis=1)
    lines = []
    for i in np.argsort(ranks, kind="stable"):
        costs = [run.cpu_median for run in runs if run.optimizer == optimizers[i]]
        shown = ["" if np.isnan(mean) else f"{mean:.4f}" for mean in means[i]]
        cost = f"{statistics.median(costs):.2g}"
        lines.append([optimizers[i], *shown, f"{ranks[i]:.2f}", cost])
    return [["optimizer", *problems, "mean rank", "CPU s"], *lines]
