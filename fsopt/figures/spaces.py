"""Trials in the search space: parallel coordinates, slices, 3-D, correlations, failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fsopt.figures.chart import (
    GREY,
    RED,
    SKY,
    Axis,
    Boxes,
    Chart,
    FloatArray,
    Line,
    Panel,
    Parallel,
    Points,
    Shade,
)
from fsopt.figures.data import StudyData, focus, parameter_axis, require, with_room, worst_shown
from fsopt.space import Categorical, Float, Int, Parameter

MIN_TRIALS = 5
"""Below that nothing can be told of how parameters and values hang together."""

_BINS = 8


def parallel(data: StudyData, *, objective: str | None = None) -> Chart:
    """All parameters and objectives side by side, a line for each trial."""
    index = data.objective(objective)
    chosen = data.valued(index)
    require(chosen.any(), "no trial has a value yet; there is nothing to show")
    columns = data.varying
    axes = [parameter_axis(data.space.parameters[i]) for i in columns]
    objectives = range(len(data.objectives.directions))
    axes += [data.value_axis(i) for i in objectives]
    order = np.argsort(-data.losses[chosen, index], kind="stable")  # the best are drawn last
    rows = np.hstack([data.rows[:, columns], data.values])[chosen][order]
    panel = Parallel(
        axes=tuple(axes),
        rows=rows,
        color=data.values[chosen, index][order],
        shade=data.value_shade(index),
        trials=data.numbers[chosen][order],
    )
    return Chart(
        name="parallel",
        title="Parallel coordinates",
        caption="Each line is a trial; the best stand out. A line that ends below an axis "
        "belongs to a trial in which that parameter is inactive. On screen, drag along an axis to "
        "select trials, in all figures.",
        panels=(panel,),
        height=4.4,
    )


def slices(data: StudyData, *, objective: str | None = None) -> Chart:
    """The objective over each parameter."""
    index = data.objective(objective)
    valued = data.valued(index)
    require(valued.any(), "no trial has a value yet; there is nothing to show")
    last = float(max(data.numbers[valued].max(), 1))
    shade = Shade(label="trial number", low=0.0, high=last, reverse=True)
    y = focus(data, index)
    worst = worst_shown(y, minimise=data.minimises(index))
    clip = np.minimum if data.minimises(index) else np.maximum
    shown = clip(data.values[:, index], worst)
    panels = []
    for i in data.varying:
        active = valued & ~np.isnan(data.rows[:, i])
        parameter = data.space.parameters[i]
        points = Points(
            x=_spread(data, i, active),
            y=shown[active],
            color=data.numbers[active].astype(np.float64),
            trials=data.numbers[active],
            size=4.0,
        )
        panels.append(
            Panel(
                x=with_room(parameter_axis(parameter)),
                y=y,
                marks=(points,),
                shade=shade,
            )
        )
    return Chart(
        name="slice",
        title="Slices",
        caption="The value of each trial over each parameter; the later, the more it stands out. "
        "Points of categories are spread out to be seen; trials in which a parameter is inactive "
        "are not in its panel. Values worse than the axis shows are on its edge.",
        panels=tuple(panels),
        columns=min(3, len(panels)),
        height=2.8,
    )


def _spread(data: StudyData, column: int, chosen: np.ndarray) -> FloatArray:
    """Numbers of a parameter, with those of categories moved a little by the trial's number."""
    numbers: FloatArray = data.rows[chosen, column]
    if isinstance(data.space.parameters[column], Float | Int):
        return numbers
    golden = 0.6180339887498949  # its multiples fill [0, 1) evenly
    spread: FloatArray = numbers + 0.5 * ((data.numbers[chosen] * golden) % 1.0 - 0.5)
    return spread


def scatter3d(data: StudyData, params: Sequence[str], *, objective: str | None = None) -> Chart:
    """Trials as points over three parameters, coloured by the objective.

    Args:
        data: The study.
        params: The names of the three parameters.
        objective: Which one; the first unless given.
    """
    require(len(params) == 3, f"a cube has three parameters, not {len(params)}; name three")
    index = data.objective(objective)
    columns = [data.column(name) for name in params]
    chosen = data.valued(index) & ~np.isnan(data.rows[:, columns]).any(axis=1)
    require(chosen.any(), f"in no trial with a value are {', '.join(params)} all active")
    order = np.argsort(-data.losses[chosen, index], kind="stable")
    x, y, z = data.rows[chosen][order][:, columns].T
    axes = [with_room(parameter_axis(data.space.parameters[i])) for i in columns]
    points = Points(
        x=x,
        y=y,
        z=z,
        color=data.values[chosen, index][order],
        trials=data.numbers[chosen][order],
        size=5.0,
    )
    return Chart(
        name="scatter3d",
        title="Three parameters",
        caption="Each point is a trial; the best stand out. On screen, drag to turn it.",
        panels=(
            Panel(
                x=axes[0],
                y=axes[1],
                z=axes[2],
                marks=(points,),
                shade=data.value_shade(index),
            ),
        ),
        height=5.0,
    )


def rank_correlations(columns: FloatArray) -> FloatArray:
    """Spearman's rank correlations of columns, each pair where both are known.

    Spearman, "The proof and measurement of association between two things", American Journal of
    Psychology 15, 1904: Pearson's correlation of the ranks, where equal numbers share their mean
    rank.

    Args:
        columns: (n, k) Numbers; NaN is unknown.

    Returns:
        (k, k) NaN where fewer than three rows are known or a column does not vary in them.
    """
    from scipy.stats import rankdata

    count = columns.shape[1]
    found = np.full((count, count), np.nan)
    for i in range(count):
        for j in range(i, count):
            known = ~np.isnan(columns[:, [i, j]]).any(axis=1)
            if known.sum() < 3:
                continue
            pair = columns[known][:, [i, j]]
            a, b = (rankdata(column) - (known.sum() + 1) / 2 for column in pair.T)
            norm = np.sqrt((a @ a) * (b @ b))
            if norm > 0:
                found[i, j] = found[j, i] = float(a @ b) / norm
    return found


def correlation(data: StudyData) -> Chart:
    """Rank correlations of parameters and objectives."""
    chosen = data.valued()
    require(
        chosen.sum() >= MIN_TRIALS,
        f"{chosen.sum()} trials have values; correlations need {MIN_TRIALS}",
    )
    ordered = [i for i in data.varying if not isinstance(data.space.parameters[i], Categorical)]
    names = [data.space.names[i] for i in ordered] + list(data.objectives.directions)
    numbers = np.hstack([data.rows[:, ordered], data.values])[chosen]
    found = rank_correlations(numbers)
    k = len(names)
    row, column = (grid.ravel() for grid in np.indices((k, k), dtype=np.float64))
    cells = found.ravel()
    boxes = Boxes(
        left=column - 0.5,
        right=column + 0.5,
        bottom=row - 0.5,
        top=row + 0.5,
        color=cells,
        texts=tuple("" if np.isnan(cell) else f"{cell:.2f}" for cell in cells),
    )
    x = Axis(label="", names=tuple(names), low=-0.5, high=k - 0.5)
    y = Axis(label="", names=tuple(names), low=-0.5, high=k - 0.5, descending=True)
    return Chart(
        name="correlation",
        title="Rank correlation",
        caption="Spearman's rank correlation of parameters that have an order, and objectives, "
        "each pair over the trials in which both are known: 1 where both rise together, -1 where "
        "one falls as the other rises. The optimizer's choices show in it too, so two parameters "
        "may be correlated only because both were tuned.",
        panels=(
            Panel(
                x=x,
                y=y,
                marks=(boxes,),
                shade=Shade(label="rank correlation", low=-1.0, high=1.0, diverging=True),
            ),
        ),
        height=max(3.6, 0.5 * k + 1.2),
    )


def failures(data: StudyData) -> Chart:
    """Where in the space trials failed: the share of failures over each parameter."""
    failed = data.having("failed")
    require(failed.any(), "no trial has failed; there is nothing to show")
    finished = failed | data.having("completed", "stopped")
    panels = tuple(_failure_panel(data, i, failed, finished) for i in data.varying)
    return Chart(
        name="failures",
        title="Failures in the space",
        caption="The share of finished trials that failed, over each parameter. The thin lines "
        "are 95% intervals (Wilson, 1927): long where few trials were. The dashed line is the "
        "share in all the study.",
        panels=panels,
        columns=min(3, len(panels)),
        height=2.6,
    )


def _failure_panel(
    data: StudyData, column: int, failed: np.ndarray, finished: np.ndarray
) -> Panel:
    parameter = data.space.parameters[column]
    axis, edges = bins(parameter)
    active = finished & ~np.isnan(data.rows[:, column])
    place = np.clip(
        np.searchsorted(edges, data.rows[active, column], side="right") - 1, 0, len(edges) - 2
    )
    count = np.bincount(place, minlength=len(edges) - 1).astype(np.float64)
    bad = np.bincount(place, failed[active], minlength=len(edges) - 1).astype(np.float64)
    seen = count > 0
    share = bad[seen] / count[seen]
    below, above = wilson(bad[seen], count[seen])
    left, right = edges[:-1][seen].astype(float), edges[1:][seen].astype(float)
    middle = np.sqrt(left * right) if axis.scale == "log" else (left + right) / 2
    gap = np.full(len(middle), np.nan)
    overall = float(failed.sum() / finished.sum())
    return Panel(
        x=axis,
        y=Axis(label="share failed", low=0.0, high=1.0),
        marks=(
            Boxes(
                left=left,
                right=right,
                bottom=np.zeros(len(left)),
                top=share,
                color=SKY,
            ),
            Line(
                x=np.column_stack([middle, middle, gap]).ravel(),
                y=np.column_stack([below, above, gap]).ravel(),
                color=GREY,
                width=1.0,
            ),
            Line(
                x=np.array([edges[0], edges[-1]]),
                y=np.array([overall, overall]),
                color=RED,
                dashed=True,
                width=1.0,
            ),
        ),
    )


def bins(parameter: Parameter) -> tuple[Axis, FloatArray]:
    """An axis and the edges of the bins on it: one for each value, or a few equal ones."""
    axis = parameter_axis(parameter)
    low, high = float(axis.low or 0.0), float(axis.high or 1.0)
    if axis.names:
        return axis, np.arange(len(axis.names) + 1.0) - 0.5
    if axis.whole and high - low < _BINS and axis.scale == "linear":
        edges = np.arange(high - low + 2.0) + (low - 0.5)
        return replace(axis, low=float(edges[0]), high=float(edges[-1])), edges
    spaced = np.geomspace if axis.scale == "log" else np.linspace
    return axis, np.asarray(spaced(low, high, _BINS + 1), dtype=np.float64)


def wilson(successes: FloatArray, trials: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The ends of 95% score intervals of proportions (k,).

    Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    z = 1.959963984540054
    share = successes / trials
    middle = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = np.sqrt(share * (1 - share) / trials + (z / (2 * trials)) ** 2)
    half *= z / (1 + z * z / trials)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)
