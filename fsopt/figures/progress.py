"""How a study got on: history, regret, distribution of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsopt.figures.chart import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    RED,
    Axis,
    Band,
    Chart,
    FloatArray,
    Line,
    Mark,
    Panel,
    Points,
    ends,
)
from fsopt.figures.data import StudyData, focus, require, time_unit, worst_shown

_WINDOW = 20
"""Quantiles are those of at least so many trials, or of a tenth of all."""

_ROUNDING = 1e-14

_NO_VALUE = "no trial is completed yet; there is nothing to show"


def incumbents(losses: FloatArray) -> FloatArray:
    """The best value up to each one (n,), to be minimised; NaN before the first value."""
    best = np.fmin.accumulate(losses) if len(losses) else losses
    return np.asarray(best, dtype=np.float64)


def running_quantiles(values: FloatArray, window: int) -> FloatArray:
    """The quartiles of each value and those before it.

    Args:
        values: (n,) Finite.
        window: How many values count, at most; there are fewer at the beginning.

    Returns:
        (3, n) The lower quartile, the median and the upper quartile.
    """
    found = np.empty((3, len(values)))
    for at in range(len(values)):
        found[:, at] = np.quantile(values[max(0, at + 1 - window) : at + 1], (0.25, 0.5, 0.75))
    return found


def history(data: StudyData) -> Chart:
    """Every value in the order in which trials ended, the best so far, and running quartiles."""
    require(data.is_completed.any(), _NO_VALUE)
    panels = tuple(_history(data, index) for index in range(len(data.objectives.directions)))
    return Chart(
        name="history",
        title="Optimization history",
        caption="Each point is a trial, in the order in which trials ended. The line is the best "
        "value until then; the band holds the middle half of the values of the last trials, the "
        "dashed line their median. A band that follows the line says that the search has "
        "settled. Failed trials are on the edge.",
        panels=panels,
    )


def _history(data: StudyData, index: int) -> Panel:
    order = data.by_end
    place = np.arange(1.0, len(order) + 1)
    values, numbers = data.values[order, index], data.numbers[order]
    completed = data.is_completed[order]
    beyond = data.having("completed")[order] & ~completed
    stopped = data.having("stopped")[order]
    failed = data.having("failed")[order]
    axis = focus(data, index)
    edge = worst_shown(axis, minimise=data.minimises(index))
    worse = values > edge if data.minimises(index) else values < edge
    marks: list[Mark] = []
    along, shown = place[completed], values[completed]
    window = max(_WINDOW, len(shown) // 10)
    if len(shown) >= _WINDOW:
        low, middle, high = running_quantiles(shown, window)
        marks.append(Band(x=along, low=low, high=high, label=f"middle half of {window} trials"))
        marks.append(Line(x=along, y=middle, dashed=True, width=1.2, label="their median"))
    floor = np.full(len(order), edge)
    for chosen, heights, color, symbol, label in (
        (completed & ~worse, values, BLUE, "dot", "completed"),
        (completed & worse, floor, GREY, "dot", "worse than is shown"),
        (beyond, values, GREY, "diamond", "beyond a limit"),
        (stopped, values, ORANGE, "diamond", "stopped"),
        (failed, floor, RED, "cross", "failed"),
    ):
        if chosen.any():
            marks.append(
                Points(
                    x=place[chosen],
                    y=heights[chosen],
                    trials=numbers[chosen],
                    color=color,
                    symbol=symbol,  # type: ignore[arg-type]
                    label=label,
                    size=4.0,
                )
            )
    best = _best(data, index)[order]
    marks.append(Line(x=place, y=best, color=GREEN, step=True, label="best so far", width=2.2))
    return Panel(x=Axis(label="finished trials", whole=True), y=axis, marks=tuple(marks))


def _best(data: StudyData, index: int) -> FloatArray:
    """(n,) The best value when each trial had ended, as reported; NaN for unfinished ones."""
    order = data.by_end
    losses = np.where(data.is_completed[order, np.newaxis], data.losses[order], np.nan)
    best = np.full(len(data.numbers), np.nan)
    best[order] = incumbents(losses[:, index])
    return data.signed(best, index)


def regret(
    studies: Sequence[StudyData], *, objective: str | None = None, optimum: float | None = None
) -> Chart:
    """How far the best value so far is from the optimum, over trials and over time.

    Args:
        studies: One, or several to be compared, with the same objectives.
        objective: Which one; the first unless given.
        optimum: The best possible value, if it is known. Otherwise the best value of all these
            studies stands in for it, and a line ends where that was found.

    Raises:
        StudyError: If that was found too soon for a line.
    """
    gaps = regrets(studies, objective, optimum)
    found_late = max(int((gap > 0).sum()) for gap in gaps) > 1
    require(found_late, f"{studies[0].name}: the best value was found at once; there is no regret")
    longest = max(float(np.nanmax(_seconds(data), initial=0.0)) for data in studies)
    unit, unit_name = time_unit(longest)
    over_trials, over_time = [], []
    for color, (data, gap) in enumerate(zip(studies, gaps, strict=True)):
        shown = np.where(gap > 0, gap, np.nan)
        look = {"color": color % len(PALETTE), "label": data.name if len(studies) > 1 else ""}
        place = np.arange(1.0, len(gap) + 1)
        over_trials.append(Line(x=place, y=shown, step=True, **look))  # type: ignore[arg-type]
        along = _seconds(data) / unit
        over_time.append(Line(x=along, y=shown, step=True, **look))  # type: ignore[arg-type]
    label = studies[0].objective_label(studies[0].objective(objective))
    positive = np.concatenate([gap[gap > 0] for gap in gaps])
    low, high = ends(positive, scale="log")
    y = Axis(label=f"{label}: distance to the best", scale="log", low=low, high=high)
    known = f"the optimum, {optimum:g}" if optimum is not None else "the best value in the end"
    return Chart(
        name="regret",
        title="Regret",
        caption=f"How far the best value so far was from {known}, over finished trials and over "
        "time. Where a line falls the search was making progress.",
        panels=(
            Panel(x=Axis(label="finished trials", whole=True), y=y, marks=tuple(over_trials)),
            Panel(x=Axis(label=f"{unit_name} since the start"), y=y, marks=tuple(over_time)),
        ),
        columns=2,
    )


def comparison(studies: Sequence[StudyData]) -> Chart:
    """The best value so far of several studies, over trials and over time.

    Raises:
        StudyError: If their first objectives differ, or one has no completed trial.
    """
    first = studies[0]
    for data in studies:
        require(data.is_completed.any(), f"{data.name}: {_NO_VALUE}")
        require(
            (data.objective_label(), data.minimises())
            == (first.objective_label(), first.minimises()),
            f"{data.name} and {first.name} have different objectives; they can't be compared",
        )
    unit, unit_name = time_unit(max(float(_seconds(data).max()) for data in studies))
    over_trials, over_time = [], []
    for at, data in enumerate(studies):
        best, color = _best(data, 0)[data.by_end], at % len(PALETTE)
        place = np.arange(1.0, len(best) + 1)
        over_trials.append(Line(x=place, y=best, step=True, color=color, label=data.name))
        along = _seconds(data) / unit
        over_time.append(Line(x=along, y=best, step=True, color=color, label=data.name))
    ranges = [focus(data) for data in studies]
    lows, highs = [axis.low or 0.0 for axis in ranges], [axis.high or 0.0 for axis in ranges]
    y = replace(ranges[0], low=min(lows), high=max(highs))
    return Chart(
        name="comparison",
        title="Best value so far",
        caption="The best value of each study, over finished trials and over time.",
        panels=(
            Panel(x=Axis(label="finished trials", whole=True), y=y, marks=tuple(over_trials)),
            Panel(x=Axis(label=f"{unit_name} since the start"), y=y, marks=tuple(over_time)),
        ),
        columns=2,
    )


def regrets(
    studies: Sequence[StudyData], objective: str | None = None, optimum: float | None = None
) -> list[FloatArray]:
    """(k,) For each study, the distance to the optimum when each finished trial had ended."""
    found = []
    for data in studies:
        require(data.is_completed.any(), f"{data.name}: {_NO_VALUE}")
        found.append(_best(data, data.objective(objective))[data.by_end])
    index = studies[0].objective(objective)
    if optimum is None:
        least = min if studies[0].minimises(index) else max
        optimum = float(least(best[-1] for best in found))
    gaps = [np.abs(best - optimum) for best in found]
    # what is left of a difference of equal numbers is no distance
    return [np.where(gap <= _ROUNDING * abs(optimum), 0.0, gap) for gap in gaps]


def _seconds(data: StudyData) -> FloatArray:
    """(k,) When each finished trial had ended."""
    return data.finished_at[data.by_end]


def ecdf(studies: Sequence[StudyData], *, objective: str | None = None) -> Chart:
    """Which share of the trials is at least as good as each value.

    Args:
        studies: One, or several to be compared, with the same objectives.
        objective: Which one; the first unless given.
    """
    lines, everything = [], []
    for color, data in enumerate(studies):
        index = data.objective(objective)
        losses = np.sort(data.losses[data.is_completed, index])
        require(len(losses), f"{data.name}: {_NO_VALUE}")
        values = data.signed(losses, index)
        everything.append(values)
        share = np.arange(1.0, len(losses) + 1) / data.having("completed", "failed").sum()
        lines.append(
            Line(
                x=values,
                y=share,
                color=color % len(PALETTE),
                step=True,
                label=data.name if len(studies) > 1 else "",
            )
        )
    first = studies[0].value_axis(index)
    low, high = ends(np.concatenate(everything), scale=first.scale)
    x = Axis(
        label=first.label,
        scale=first.scale,
        low=low,
        high=high,
        descending=not studies[0].minimises(index),
    )
    return Chart(
        name="ecdf",
        title="Distribution of values",
        caption="The share of the trials whose value is at least as good as that on the axis; "
        "the best values are on the left. Failed trials count as worse than all values, so the "
        "line may end below 1.",
        panels=(
            Panel(x=x, y=Axis(label="share of trials", low=0, high=1.02), marks=tuple(lines)),
        ),
    )
