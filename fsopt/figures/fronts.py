"""Figures of several objectives and of ensembles."""

from __future__ import annotations

import numpy as np

from fsopt.figures.chart import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    Axis,
    Boxes,
    Chart,
    FloatArray,
    IntArray,
    Line,
    Panel,
    Points,
)
from fsopt.figures.data import StudyData, require
from fsopt.moo.hypervolume import hypervolume, reference_point
from fsopt.moo.pareto import nondominated

_MOST_POINTS = 150


def pareto(data: StudyData) -> Chart:
    """The Pareto front, for each pair of objectives, and how the hypervolume grew."""
    names = list(data.objectives.directions)
    require(len(names) > 1, "the study has one objective; there is no front, see `history`")
    done = data.is_completed
    require(
        done.any(), "no trial is completed yet, or none keeps the constraints; there is no front"
    )
    best = done.copy()
    best[done] = nondominated(data.losses[done])
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    panels = [_front_panel(data, done, best, pair) for pair in pairs]
    places, volumes = hypervolumes(data)
    panels.append(
        Panel(
            title="dominated hypervolume",
            x=Axis(label="finished trials", whole=True),
            y=Axis(label="hypervolume", low=0.0, high=float(volumes.max()) * 1.05 or 1.0),
            marks=(Line(x=places, y=volumes, color=GREEN, step=True),),
        )
    )
    return Chart(
        name="pareto",
        title="Pareto front",
        caption=f"{best.sum()} trials that no other dominates. The hypervolume is that between "
        "the front and a point a little worse than it (Zitzler and Thiele, 1998), with each "
        "objective scaled to the range of the front: as long as it grows the front gets better.",
        panels=tuple(panels),
        columns=2,
        height=3.8,
    )


def _front_panel(
    data: StudyData, done: np.ndarray, best: np.ndarray, pair: tuple[int, int]
) -> Panel:
    i, j = pair
    others = done & ~best
    order = np.flatnonzero(best)[np.argsort(data.values[best, i], kind="stable")]
    marks: list[Points | Line] = [
        Points(
            x=data.values[others, i],
            y=data.values[others, j],
            color=GREY,
            trials=data.numbers[others],
            label="dominated",
            size=3.5,
        ),
        Points(
            x=data.values[order, i],
            y=data.values[order, j],
            color=BLUE,
            trials=data.numbers[order],
            label="front",
            size=6.0,
        ),
    ]
    if data.values.shape[1] == 2:
        x, y = data.values[order, i], data.values[order, j]
        marks.insert(1, Line(x=x, y=y, color=BLUE, width=1.0))
    return Panel(x=data.value_axis(i), y=data.value_axis(j), marks=tuple(marks))


def hypervolumes(data: StudyData) -> tuple[FloatArray, FloatArray]:
    """How much the completed trials dominated as more and more trials had ended.

    Returns:
        (k,) Numbers of finished trials and (k,) the volumes, with every objective scaled so that
        the range from the best value of the last front to the reference point is 1.
    """
    order: IntArray = data.by_end[data.is_completed[data.by_end]]
    Y = data.losses[order]
    reference = reference_point(Y)
    best = Y.min(axis=0)
    scaled = (Y - best) / (reference - best)
    finished = np.flatnonzero(data.is_completed[data.by_end]) + 1.0
    chosen = np.unique(np.linspace(0, len(Y) - 1, _MOST_POINTS).astype(int))
    one = np.ones(Y.shape[1])
    volumes = np.array([hypervolume(scaled[: at + 1], one) for at in chosen.tolist()])
    return finished[chosen], volumes


def ensemble(data: StudyData) -> Chart:
    """The members of an ensemble with their weights, and its losses beside the best trial's."""
    require(data.ensembles, "no ensemble was built; see `fsopt ensemble --help`")
    panels = []
    for built in data.ensembles:
        order = np.argsort(-np.array(built.weights), kind="stable").tolist()
        place = np.arange(float(len(order)))
        weights = np.array([built.weights[i] for i in order])
        names = tuple(f"trial {built.members[i]}" for i in order)
        panels.append(
            Panel(
                title=f"members, selected on {built.name} by {built.loss}",
                x=Axis(label="weight", low=0.0, high=float(weights.max()) * 1.08),
                y=Axis(label="", names=names, low=-0.6, high=len(names) - 0.4, descending=True),
                marks=(
                    Boxes(
                        left=np.zeros(len(order)),
                        right=weights,
                        bottom=place - 0.36,
                        top=place + 0.36,
                        trials=np.array([built.members[i] for i in order], dtype=np.int64),
                    ),
                ),
            )
        )
        panels.append(_scores_panel(dict(built.scores), dict(built.single_scores)))
    most = max(len(built.members) for built in data.ensembles)
    return Chart(
        name="ensemble",
        title="Ensemble",
        caption="The trials that make the ensemble, with their weights, and its losses beside "
        "those of the best single trial, on rows that neither was chosen by; less is better.",
        panels=tuple(panels),
        columns=2,
        height=max(2.8, 0.26 * most + 1.0),
    )


def _scores_panel(scores: dict[str, object], single: dict[str, object]) -> Panel:
    names = tuple(scores)
    marks = []
    for shift, color, label, source in (
        (-0.2, BLUE, "ensemble", scores),
        (0.2, ORANGE, "best single trial", single),
    ):
        place = np.arange(float(len(names))) + shift
        marks.append(
            Boxes(
                left=np.zeros(len(names)),
                right=np.array([float(str(source[name])) for name in names]),
                bottom=place - 0.18,
                top=place + 0.18,
                color=color,
                label=label,
            )
        )
    y = Axis(label="", names=names, low=-0.6, high=len(names) - 0.4, descending=True)
    return Panel(title="losses on held-out rows", x=Axis(label="loss"), y=y, marks=tuple(marks))
