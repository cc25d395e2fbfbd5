"""What many scores say together."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fsopt.bench.ensembles.results import Score

_LIKELIHOOD = ("cross-entropy", "nll")
_BEST = "best"


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of text."""

    title: str
    head: list[str]
    lines: list[list[str]]


def comparable(own: Sequence[Score], others: Sequence[Score]) -> list[Score]:
    """Those of other runs that had the same predictions to work with."""
    known = {(score.task, score.split, score.library) for score in own}
    done = {score.way for score in own}
    return [
        one
        for one in others
        if one.way not in done and (one.task, one.split, one.library) in known
    ]


def sheets(scores: Sequence[Score]) -> list[Sheet]:
    """Means over splits, one table a kind of loss; and how often a way beats the best model."""
    tables = [
        _means(scores, "Negative log-likelihood of test rows", _likelihood),
        _means(scores, "Error rate, or mean squared error", _error),
        _means(scores, "Calibration error, or error of quantiles", _calibration),
    ]
    return [*tables, _summary(scores)]


def _means(scores: Sequence[Score], title: str, value: Callable[[Score], float]) -> Sheet:
    tasks, ways = _names(scores)
    lines = []
    for way in ways:
        cells = []
        for task in tasks:
            values = [value(s) for s in scores if (s.task, s.way) == (task, way)]
            cells.append(format(statistics.fmean(values), ".4f") if values else "")
        lines.append([way, *cells])
    return Sheet(title, ["way", *tasks], lines)


def _summary(scores: Sequence[Score]) -> Sheet:
    tasks, ways = _names(scores)
    best = {(s.task, s.split): _likelihood(s) for s in scores if s.way == _BEST}
    lines = []
    for way in ways:
        mine = [s for s in scores if s.way == way]
        differences = {
            task: [_likelihood(s) - best[s.task, s.split] for s in mine if s.task == task]
            for task in tasks
            if any(s.task == task for s in mine)
        }
        better = sum(statistics.fmean(values) < 0 for values in differences.values())
        splits = [value for values in differences.values() for value in values]
        seconds = statistics.fmean(s.seconds for s in mine)
        lines.append(
            [
                way,
                f"{better} of {len(differences)}",
                f"{sum(value < 0 for value in splits)} of {len(splits)}",
                f"{statistics.fmean(splits):+.4f}",
                _ranks(scores, way),
                f"{1000 * seconds:.3g}",
            ]
        )
    head = ["way", "tasks better than best", "splits better", "mean difference", "mean rank", "ms"]
    return Sheet("Negative log-likelihood, compared with the best single model", head, lines)


def _ranks(scores: Sequence[Score], way: str) -> str:
    """The mean rank by negative log-likelihood, over splits that every way has."""
    by_split: dict[tuple[str, int], dict[str, float]] = {}
    for score in scores:
        by_split.setdefault((score.task, score.split), {})[score.way] = _likelihood(score)
    count = len({score.way for score in scores})
    found = [
        1 + sum(other < mine[way] for other in mine.values())
        for mine in by_split.values()
        if len(mine) == count
    ]
    return f"{statistics.fmean(found):.2f}" if found else ""


def _names(scores: Sequence[Score]) -> tuple[list[str], list[str]]:
    tasks = dict.fromkeys(score.task for score in scores)
    return list(tasks), list(dict.fromkeys(score.way for score in scores))


def _likelihood(score: Score) -> float:
    return _first(score, *_LIKELIHOOD)


def _error(score: Score) -> float:
    return _first(score, "zero-one", "squared")


def _calibration(score: Score) -> float:
    return _first(score, "calibration", "quantiles")


def _first(score: Score, *names: str) -> float:
    return next((score.losses[name] for name in names if name in score.losses), math.nan)
