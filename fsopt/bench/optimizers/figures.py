"""Figures of how the regret falls."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fsopt.bench.optimizers.scores import Scores
from fsopt.errors import MissingExtraError
from fsopt.history import FloatArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS = 400  # of a curve over time
_ACROSS = 3  # panels of a figure of all problems
_FEW = 10  # optimizers, for whose curves there are colours that differ well


def check_plotting() -> None:
    """Make sure, before anything is run, that figures can be drawn.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib; pip install 'fsopt[plot]'") from error


def draw(scores: Scores, directory: Path) -> list[Path]:
    """Draw a figure for each problem, and one of all: each optimizer's median and quartiles.

    Over evaluations, or over simulated time if there was more than one worker.

    Returns:
        The files.
    """
    from matplotlib.figure import Figure

    directory.mkdir(parents=True, exist_ok=True)
    paths = []
    for problem in scores.problems:
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        _panel(figure.subplots(), scores, problem)
        figure.legend(loc="outside right upper", fontsize="small")
        paths.append(directory / f"{problem}.svg")
        figure.savefig(paths[-1])
    rows = math.ceil(len(scores.problems) / _ACROSS)
    figure = Figure(figsize=(3.6 * _ACROSS, 2.6 * rows + 0.8), layout="constrained")
    panels = figure.subplots(rows, _ACROSS, squeeze=False).ravel()
    for axes, problem in zip(panels, scores.problems, strict=False):
        _panel(axes, scores, problem)
    for axes in panels[len(scores.problems) :]:
        axes.remove()
    names = dict(zip(*reversed(panels[0].get_legend_handles_labels()), strict=True))
    figure.legend(names.values(), names, loc="outside lower center", ncols=5, fontsize="small")
    paths.append(directory / "all.png")
    figure.savefig(paths[-1], dpi=80)
    return paths


def _panel(axes: Axes, scores: Scores, problem: str) -> None:
    from matplotlib import colormaps

    axes.set_prop_cycle(
        color=colormaps["tab10" if len(scores.optimizers) <= _FEW else "tab20"].colors
    )
    for optimizer in scores.optimizers:
        _curve(axes, scores, optimizer, problem)
    axes.set_title(problem)
    axes.set_ylabel("regret")


def _curve(axes: Axes, scores: Scores, optimizer: str, problem: str) -> None:
    chosen = [r for r in scores.results if (r.optimizer, r.problem) == (optimizer, problem)]
    if not chosen:
        return
    parallel = any(result.workers > 1 for result in chosen)
    last = min(scores.budgets[-1], *(len(result.regret) for result in chosen))
    regrets = np.array([result.regret[:last] for result in chosen])
    if parallel:
        times = np.array([result.times[:last] for result in chosen])
        along, regrets = over_time(times, regrets)
    else:
        along = np.arange(1.0, last + 1)
    regrets[np.isinf(regrets)] = np.nan
    seen = ~np.isnan(regrets).any(axis=0)
    low, middle, high = np.quantile(regrets[:, seen], (0.25, 0.5, 0.75), axis=0)
    (line,) = axes.step(along[seen], middle, where="post", label=optimizer)
    axes.fill_between(along[seen], low, high, step="post", alpha=0.2, color=line.get_color())
    axes.set_xlabel("time, in medians of an evaluation's" if parallel else "evaluations")
    if np.all(low > 0):
        axes.set_yscale("log")


def over_time(times: FloatArray, regrets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Regrets at common moments.

    Args:
        times: (s, n) When the evaluations of s runs ended, ascending in each.
        regrets: (s, n) The regrets from then on.

    Returns:
        (p,) The moments, while no run has ended, and (s, p) the regrets; infinite before the
        first evaluation's end.
    """
    moments = np.linspace(0, times[:, -1].min(), _POINTS)
    known = np.concatenate([np.full((len(regrets), 1), np.inf), regrets], axis=1)
    places = [np.searchsorted(one, moments, side="right") for one in times]
    return moments, np.take_along_axis(known, np.array(places), axis=1)
