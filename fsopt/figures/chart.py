"""What a figure shows, as plain data: panels with axes and marks.

A figure is computed once, as a `Chart`; `fsopt.figures.paint` draws it with matplotlib and
`fsopt.figures.page` in a browser. So both show the same, and tests compare numbers instead of
pictures.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

ScaleName = Literal["linear", "log"]
Symbol = Literal["dot", "cross", "diamond"]

PALETTE = (
    "#0072b2",
    "#e69f00",
    "#009e73",
    "#cc79a7",
    "#d55e00",
    "#56b4e9",
    "#8c8c8c",
    "#b8a200",
)
"""Colours that people with any common form of colour blindness tell apart (Okabe and Ito, "Color
universal design", 2008); the yellow is darkened to be seen on white, black is grey so that it is
seen on black."""

BLUE, ORANGE, GREEN, PINK, RED, SKY, GREY, OLIVE = range(len(PALETTE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """One dimension of a panel."""

    label: str
    scale: ScaleName = "linear"
    low: float | None = None
    """Where it begins; unless given, below what is shown."""
    high: float | None = None
    names: tuple[str, ...] = ()
    """What the positions 0, 1, ... are called, where they stand for categories."""
    whole: bool = False
    """Whether only integers stand for anything."""
    descending: bool = False
    """Whether the largest number comes first: at the bottom, or on the left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shade:
    """What colours mean that stand for numbers."""

    label: str
    scale: ScaleName = "linear"
    low: float
    high: float
    diverging: bool = False
    """Whether the middle is neutral; otherwise one end stands out from the background."""
    reverse: bool = False
    """Whether that is the high end."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Points:
    """``n`` points."""

    x: FloatArray
    y: FloatArray
    z: FloatArray | None = None
    """(n,) The third coordinate, in a panel that has a third axis."""
    color: int | FloatArray = BLUE
    """An index of `PALETTE`, or (n,) numbers, of which the panel's shade tells the colours."""
    label: str = ""
    symbol: Symbol = "dot"
    trials: IntArray | None = None
    """(n,) Which trials they stand for."""
    size: float = 5.0
    """Their diameter in points."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Line:
    """A line through ``n`` points; NaN interrupts it."""

    x: FloatArray
    y: FloatArray
    color: int = BLUE
    label: str = ""
    step: bool = False
    """Whether it keeps each value until the next point."""
    dashed: bool = False
    width: float = 1.8
    trials: IntArray | None = None
    """(n,) Which trials its points belong to."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Band:
    """The area between two lines through ``n`` points."""

    x: FloatArray
    low: FloatArray
    high: FloatArray
    color: int = BLUE
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Boxes:
    """``n`` rectangles: bars, cells, periods of time."""

    left: FloatArray
    right: FloatArray
    bottom: FloatArray
    top: FloatArray
    color: int | FloatArray = BLUE
    label: str = ""
    texts: tuple[str, ...] = ()
    """What is written in each, if anything."""
    trials: IntArray | None = None


Mark: TypeAlias = Points | Line | Band | Boxes


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One coordinate system."""

    x: Axis
    y: Axis
    marks: tuple[Mark, ...]
    title: str = ""
    z: Axis | None = None
    """A third axis makes it a cube, whose marks are points."""
    shade: Shade | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parallel:
    """Parallel coordinates: one vertical axis for each column, one line for each of ``n`` rows.

    Inselberg, "The plane with parallel coordinates", The Visual Computer 1, 1985.
    """

    axes: tuple[Axis, ...]
    """Each with both ends."""
    rows: FloatArray
    """(n, k) Numbers on each axis; NaN, a place of its own below it, where a parameter is
    inactive."""
    color: FloatArray
    """(n,) Numbers of which the shade tells the colours."""
    shade: Shade
    trials: IntArray
    """(n,) Which trials the rows stand for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A whole figure."""

    name: str
    """As in ``fsopt plot DIR NAME``."""
    title: str
    caption: str
    """What it shows and how to read it."""
    panels: tuple[Panel | Parallel, ...]
    columns: int = 1
    """How many panels stand side by side."""
    height: float = 3.6
    """Of a row of panels, in inches."""


def ends(values: Iterable[float], *, scale: ScaleName = "linear") -> tuple[float, float]:
    """Where an axis may begin and end so that it shows values with some room.

    Args:
        values: At least one of them finite.
        scale: Of the axis.
    """
    given = np.array(list(values), dtype=np.float64)
    given = given[np.isfinite(given) & ((given > 0) | (scale != "log"))]
    if not len(given):
        return (0.1, 1.0) if scale == "log" else (0.0, 1.0)
    low, high = float(given.min()), float(given.max())
    if scale == "log":
        margin = (high / low) ** 0.05 if high > low else 2.0
        return low / margin, high * margin
    margin = (high - low) * 0.05 or abs(high) * 0.05 or 0.5
    return low - margin, high + margin
