"""Figures of what a surrogate says: importance, dependence on one and on two parameters."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from fsopt.figures.chart import (
    BLUE,
    GREY,
    ORANGE,
    PINK,
    RED,
    Axis,
    Band,
    Boxes,
    Chart,
    FloatArray,
    Line,
    Panel,
    Points,
    Shade,
    ends,
)
from fsopt.figures.data import StudyData, parameter_axis, require, scale_of
from fsopt.figures.models import Importance, dependence, fit
from fsopt.figures.models import importance as importances
from fsopt.space import Parameter

_STEPS, _CELLS = 33, 24
_MOST_PAIRS = 8


def importance(
    data: StudyData, *, objective: str | None = None, found: Importance | None = None
) -> Chart:
    """Which parameters matter: fANOVA with interactions, and permutation.

    Args:
        data: The study.
        objective: Which one; the first unless given.
        found: What `fsopt.figures.models.importance` has found already, if it has.
    """
    told = found or importances(data, objective)
    order = told.ordered()
    names = tuple(told.names[i] for i in order)
    pairs = np.argsort(-told.interactions, kind="stable")[:_MOST_PAIRS]
    pair_names = tuple(" & ".join(told.names[i] for i in told.pairs[p]) for p in pairs)
    panels = [
        _bars("alone (fANOVA)", names, told.fanova[order], BLUE, told.fanova_deviation[order]),
        _bars("by permutation", names, told.permutation[order], ORANGE),
    ]
    if len(pairs):
        panels.append(_bars("two together (fANOVA)", pair_names, told.interactions[pairs], PINK))
    rows = max(len(names), len(pair_names))
    return Chart(
        name="importance",
        title=f"Importance for {data.objective_label(data.objective(objective))}",
        caption="The share of the variance of the value's rank, over the whole space, that a "
        "parameter explains by itself, with the standard deviation among trees; by how much "
        "predictions of unseen trials get worse when its values are shuffled; and what pairs "
        "explain beyond their parts (functional ANOVA of a random forest, Hutter et al., 2014; "
        f"permutation, Breiman, 2001). The forest predicts {told.explained:.0%} of the variance "
        "of unseen trials; where that is little, so is what this figure tells.",
        panels=tuple(panels),
        columns=len(panels),
        height=max(2.6, 0.32 * rows + 1.0),
    )


def _bars(
    title: str,
    names: tuple[str, ...],
    shares: FloatArray,
    color: int,
    deviations: FloatArray | None = None,
) -> Panel:
    place = np.arange(float(len(names)))
    bars = Boxes(
        left=np.zeros(len(names)),
        right=shares,
        bottom=place - 0.36,
        top=place + 0.36,
        color=color,
    )
    marks: list[Boxes | Line] = [bars]
    longest = float(shares.max(initial=0.0))
    if deviations is not None:
        gap = np.full(len(names), np.nan)
        low, high = np.maximum(shares - deviations, 0.0), shares + deviations
        marks.append(
            Line(
                x=np.column_stack([low, high, gap]).ravel(),
                y=np.column_stack([place, place, gap]).ravel(),
                color=GREY,
                width=1.4,
            )
        )
        longest = float(high.max(initial=0.0))
    return Panel(
        title=title,
        x=Axis(label="share of variance", low=0.0, high=max(longest * 1.08, 0.01)),
        y=Axis(label="", names=names, low=-0.6, high=len(names) - 0.4, descending=True),
        marks=tuple(marks),
    )


def _positions(parameter: Parameter, count: int) -> FloatArray:
    """Unit positions of a parameter's values, at most so many of those that have an order."""
    levels = parameter.levels
    if levels is None or levels > count:
        return parameter.to_unit(parameter.from_unit(np.linspace(0.0, 1.0, count)))
    return np.unique(parameter.to_unit(parameter.at_levels(np.arange(float(levels)))))


def partial(data: StudyData, *, objective: str | None = None) -> Chart:
    """What a model expects over each parameter, averaged over all others, with uncertainty."""
    index = data.objective(objective)
    model = fit(data, index)
    curves = []
    for column in data.varying:
        parameter = data.space.parameters[column]
        units = _positions(parameter, _STEPS)
        mean, deviation = dependence(data, model, [column], units[:, np.newaxis])
        curves.append((column, parameter.from_unit(units), mean, deviation))
    spread = np.concatenate([m + s * d for _, _, m, d in curves for s in (-1, 1)])
    low, high = ends(data.signed(spread, index))
    y = Axis(label=f"expected {data.objective_label(index)}", low=low, high=high)
    panels = tuple(_dependence_panel(data, index, curve, y) for curve in curves)
    return Chart(
        name="dependence",
        title="Partial dependence",
        caption=f"What a {model.kind} of all trials expects over each parameter, on average over "
        "random values of all others; the band is the standard deviation of its uncertainty "
        "about a single configuration. All panels have the same vertical axis, so a flat line is "
        "a parameter that matters little by itself.",
        panels=panels,
        columns=min(3, len(panels)),
        height=2.8,
    )


def _dependence_panel(
    data: StudyData,
    index: int,
    curve: tuple[int, FloatArray, FloatArray, FloatArray],
    y: Axis,
) -> Panel:
    column, along, mean, deviation = curve
    axis = parameter_axis(data.space.parameters[column])
    values = data.signed(mean, index)
    low, high = values - deviation, values + deviation
    if axis.names:
        gap = np.full(len(along), np.nan)
        marks: tuple[Band | Line | Points, ...] = (
            Line(
                x=np.column_stack([along, along, gap]).ravel(),
                y=np.column_stack([low, high, gap]).ravel(),
                width=5.0,
                color=GREY,
            ),
            Points(x=along, y=values, size=7.0),
        )
    else:
        marks = (Band(x=along, low=low, high=high), Line(x=along, y=values))
    return Panel(x=axis, y=y, marks=marks)


def contour(data: StudyData, params: Sequence[str], *, objective: str | None = None) -> Chart:
    """What a model expects over two parameters, and how sure it is.

    Args:
        data: The study.
        params: The names of the two parameters.
        objective: Which one; the first unless given.
    """
    require(len(params) == 2, f"a contour has two parameters, not {len(params)}; name two")
    index = data.objective(objective)
    columns = [data.column(name) for name in params]
    model = fit(data, index)
    x, y = (_positions(data.space.parameters[i], _CELLS) for i in columns)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    mean, deviation = dependence(data, model, columns, grid)
    chosen = data.valued(index) & ~np.isnan(data.rows[:, columns]).any(axis=1)
    points = Points(
        x=data.rows[chosen, columns[0]],
        y=data.rows[chosen, columns[1]],
        color=RED,
        trials=data.numbers[chosen],
        size=2.5,
    )
    label = data.objective_label(index)
    panels = []
    for title, unit, numbers, reverse in (
        ("expected", label, data.signed(mean, index), not data.minimises(index)),
        ("uncertainty", "standard deviation", deviation, True),
    ):
        known = numbers[~np.isnan(numbers)]
        require(len(known), f"{' and '.join(params)} are never active together")
        boxes = _grid_boxes(data, columns, x, y, numbers)
        shade = Shade(
            label=unit,
            scale=scale_of(known),
            low=float(known.min()),
            high=max(float(known.max()), float(known.min()) + 1e-12),
            reverse=reverse,
        )
        axes = [parameter_axis(data.space.parameters[i]) for i in columns]
        panels.append(Panel(title=title, x=axes[0], y=axes[1], marks=(boxes, points), shade=shade))
    return Chart(
        name="contour",
        title=f"{params[0]} and {params[1]}",
        caption=f"What a {model.kind} of all trials expects over two parameters, on average over "
        "random values of all others, and its uncertainty about a single configuration. Points "
        "are trials: far from them the model guesses.",
        panels=tuple(panels),
        columns=2,
        height=4.2,
    )


def _grid_boxes(
    data: StudyData, columns: Sequence[int], x: FloatArray, y: FloatArray, numbers: FloatArray
) -> Boxes:
    """A box around each point of a grid."""
    edges = [
        _edges(data.space.parameters[column], units)
        for column, units in zip(columns, (x, y), strict=True)
    ]
    (left, right), (bottom, top) = (np.array(list(pairwise(each.tolist()))).T for each in edges)
    known = ~np.isnan(numbers)
    return Boxes(
        left=np.tile(left, len(y))[known],
        right=np.tile(right, len(y))[known],
        bottom=np.repeat(bottom, len(x))[known],
        top=np.repeat(top, len(x))[known],
        color=numbers[known],
    )


def _edges(parameter: Parameter, units: FloatArray) -> FloatArray:
    """(k + 1,) Where the cells of positions (k,) begin and end, in numbers of the parameter."""
    axis = parameter_axis(parameter)
    numbers = parameter.from_unit(units)
    scale = np.log if axis.scale == "log" else np.asarray
    back = np.exp if axis.scale == "log" else np.asarray
    if len(numbers) == 1:
        return np.array([axis.low, axis.high], dtype=np.float64)
    middles = back((scale(numbers[:-1]) + scale(numbers[1:])) / 2)
    return np.concatenate([[axis.low], middles, [axis.high]]).astype(np.float64)
