"""What results say: means, medians, ranks, and how they are told in tables."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.bench.functions import PROBLEMS
from fsopt.bench.optimizers.results import Result
from fsopt.bench.table import number
from fsopt.history import FloatArray

_LEAST = 1e-6  # regrets below are as good as none
_REFERENCE = "random"
_STEPS = (1, 2, 5)  # of budgets, in each decade
_FIRST = 50

Cell = tuple[str, str, int]
"""Optimizer, problem, number of evaluations."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text."""

    title: str
    head: Sequence[str]
    lines: Sequence[Sequence[str]]


class Scores:
    """The regrets after some numbers of evaluations.

    Args:
        results: The runs that are compared.
        evaluations: The greatest number of evaluations.
    """

    def __init__(self, results: Iterable[Result], evaluations: int) -> None:
        self.results = list(results)
        self.budgets = budgets(evaluations)
        self.optimizers = list(dict.fromkeys(result.optimizer for result in self.results))
        self.problems = list(dict.fromkeys(result.problem for result in self.results))
        found: dict[Cell, list[float]] = defaultdict(list)
        for result in self.results:
            for budget in self.budgets:
                if len(result.regret) >= budget:
                    cell = (result.optimizer, result.problem, budget)
                    found[cell].append(result.regret[budget - 1])
        self.regrets: Mapping[Cell, FloatArray] = {c: np.array(v) for c, v in found.items()}

    def complete(self, budget: int) -> list[str]:
        """The optimizers that have runs of so many evaluations on every problem."""
        return [
            optimizer
            for optimizer in self.optimizers
            if all((optimizer, problem, budget) in self.regrets for problem in self.problems)
        ]

    def means(self, budget: int) -> FloatArray:
        """(optimizers, problems) The mean regrets of those that are `complete`."""
        return self._of(budget, lambda regrets: float(np.mean(regrets)))

    def medians(self, budget: int) -> FloatArray:
        """(optimizers, problems) The median regrets of those that are `complete`."""
        return self._of(budget, lambda regrets: float(np.median(regrets)))

    def _of(self, budget: int, reduce: Callable[[FloatArray], float]) -> FloatArray:
        table = [
            [reduce(self.regrets[optimizer, problem, budget]) for problem in self.problems]
            for optimizer in self.complete(budget)
        ]
        return np.array(table).reshape(-1, len(self.problems))


def budgets(evaluations: int) -> list[int]:
    """After which numbers of evaluations is compared: 50, 100, 200, 500, ..., and at the end."""
    rising = (step * 10**power for power in range(1, 12) for step in _STEPS)
    return [*(n for n in rising if _FIRST <= n < evaluations), evaluations]


def average_ranks(values: FloatArray) -> FloatArray:
    """(k,) The ranks of k optimizers from 1, the best, averaged over problems.

    Args:
        values: (k, p) What is to be small; where values are equal, they share their ranks' mean.
    """
    below = np.sum(values[:, None] > values[None], axis=1)
    equal = np.sum(values[:, None] == values[None], axis=1)
    ranks: FloatArray = np.mean(below + (equal + 1) / 2, axis=1)
    return ranks


def mean_ratios(values: FloatArray, reference: FloatArray) -> FloatArray:
    """(k,) The geometric means over problems of the ratios of regrets to others.

    Args:
        values: (k, p) Regrets; what is less than a millionth counts as that.
        reference: (p,) The others.
    """
    logs = np.log(np.maximum(values, _LEAST)) - np.log(np.maximum(reference, _LEAST))
    ratios: FloatArray = np.exp(np.mean(logs, axis=1))
    return ratios


def summary(scores: Scores) -> Sheet:
    """For each number of evaluations and each optimizer its ranks, and its ratio to random search.

    Ranked are those that have runs on every problem; the others come last.
    """
    lines = [
        [str(budget), optimizer, *standing]
        for budget in scores.budgets
        for optimizer, standing in _standings(scores, budget)
    ]
    head = ["after", "optimizer", "rank by mean", "rank by median", "mean / random's"]
    return Sheet(f"Over {len(scores.problems)} problems", head, lines)


def costs(scores: Scores) -> Sheet:
    """What a proposal costs: means of the runs' means and medians, and the greatest of all."""
    lines = []
    for optimizer in scores.optimizers:
        results = [result for result in scores.results if result.optimizer == optimizer]
        line = [
            _reduced([result.cpu_mean for result in results], np.mean),
            _reduced([result.cpu_median for result in results], np.mean),
            _reduced([result.cpu_max for result in results], np.max),
        ]
        lines.append([optimizer, *line])
    return Sheet("CPU milliseconds of a proposal", ["optimizer", "mean", "median", "max"], lines)


def details(scores: Scores) -> list[Sheet]:
    """A table for each problem."""
    head = ["after", "optimizer", "seeds", "mean ± s.e.", "median", "worst"]
    sheets = []
    for problem in scores.problems:
        lines = [
            [str(budget), optimizer, *_spread(scores.regrets[optimizer, problem, budget])]
            for budget in scores.budgets
            for optimizer in scores.optimizers
            if (optimizer, problem, budget) in scores.regrets
        ]
        what = "regret" if PROBLEMS[problem].optimum is not None else "loss"
        sheets.append(Sheet(f"{problem}: {what}", head, lines))
    return sheets


def _standings(scores: Scores, budget: int) -> list[tuple[str, list[str]]]:
    """Optimizers, the best first, with their two ranks and their ratio."""
    names, means = scores.complete(budget), scores.means(budget)
    by_mean, by_median = average_ranks(means), average_ranks(scores.medians(budget))
    ratios = [""] * len(names)
    if _REFERENCE in names:
        found = mean_ratios(means, means[names.index(_REFERENCE)])
        ratios = [f"{ratio:.3g}" for ratio in found]
    standings = [
        (names[i], [f"{by_mean[i]:.2f}", f"{by_median[i]:.2f}", ratios[i]])
        for i in np.argsort(by_mean, kind="stable")
    ]
    others = [name for name in scores.optimizers if name not in names]
    return standings + [(name, ["", "", ""]) for name in others]


def _reduced(seconds: Sequence[float | None], reduce: Callable[[FloatArray], float]) -> str:
    known = [1000 * value for value in seconds if value is not None]
    return number(float(reduce(np.array(known)))) if known else ""


def _spread(regrets: FloatArray) -> list[str]:
    mean, error = float(np.mean(regrets)), ""
    if len(regrets) > 1 and math.isfinite(mean):
        error = f" ± {np.std(regrets, ddof=1) / math.sqrt(len(regrets)):.2g}"
    middle, worst = np.median(regrets), np.max(regrets)
    return [str(len(regrets)), f"{mean:.3g}{error}", f"{middle:.3g}", f"{worst:.3g}"]
