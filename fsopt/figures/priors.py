"""What earlier studies and the user said, beside where this study found its best trials."""

from __future__ import annotations

import numpy as np

from fsopt.figures.chart import ORANGE, SKY, Axis, Boxes, Chart, FloatArray, Line, Panel
from fsopt.figures.data import StudyData, require
from fsopt.figures.spaces import bins
from fsopt.prior import Mixture
from fsopt.streams import stream

_DRAWS = 5_000
_BEST, _FEWEST = 10, 5
"""One of so many trials is among the best, and at least so many are."""


def prior(data: StudyData, *, objective: str | None = None) -> Chart:
    """The prior over each parameter, and the best trials over the same.

    Args:
        data: The study.
        objective: By which the best are told; the first unless given.

    Raises:
        StudyError: If the study has no prior, or too few trials.
    """
    require(data.mixtures, f"{data.name} has no prior, and no beliefs of a user")
    index = data.objective(objective)
    done = np.flatnonzero(data.is_completed)
    require(len(done) >= _FEWEST, f"{data.name}: fewer than {_FEWEST} trials are completed")
    count = max(len(done) // _BEST, _FEWEST)
    best = data.rows[done[np.argsort(data.losses[done, index], kind="stable")[:count]]]
    told = Mixture.of([(1 / len(data.mixtures), mixture) for mixture in data.mixtures])
    drawn = data.space.from_unit(told.sample(_DRAWS, stream(0, "figure-prior", 0)))
    panels = tuple(_panel(data, column, drawn, best) for column in data.varying)
    return Chart(
        name="prior",
        title="Prior and best trials",
        caption="Where good values were expected before the first trial (the line), all sources "
        f"counting alike, and where the best {count} of {len(done)} trials are (the bars).",
        panels=panels,
        columns=min(3, len(panels)),
        height=2.6,
    )


def _panel(data: StudyData, column: int, drawn: FloatArray, best: FloatArray) -> Panel:
    axis, edges = bins(data.space.parameters[column])
    expected, found = (_shares(rows[:, column], edges) for rows in (drawn, best))
    is_first = column == data.varying[0]
    return Panel(
        x=axis,
        y=Axis(label="share", low=0.0),
        marks=(
            Boxes(
                left=edges[:-1],
                right=edges[1:],
                bottom=np.zeros(len(found)),
                top=found,
                color=SKY,
                label="best trials" if is_first else "",
            ),
            Line(
                x=edges,
                y=np.append(expected, expected[-1]),
                step=True,
                color=ORANGE,
                label="prior" if is_first else "",
            ),
        ),
    )


def _shares(numbers: FloatArray, edges: FloatArray) -> FloatArray:
    """(k,) Which share of the numbers (n,) is in each of k bins; inactive ones are in none."""
    active = np.clip(numbers[~np.isnan(numbers)], edges[0], edges[-1])
    counts = np.histogram(active, edges)[0]
    shares: FloatArray = counts / max(len(active), 1)
    return shares
