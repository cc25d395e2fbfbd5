"""Charts drawn with matplotlib."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fsopt.errors import MissingExtraError, StorageError
from fsopt.figures.chart import (
    PALETTE,
    Axis,
    Band,
    Boxes,
    Chart,
    FloatArray,
    Line,
    Mark,
    Panel,
    Parallel,
    Points,
    Shade,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDTH = {1: 7.2, 2: 9.6, 3: 10.8}
_SYMBOLS = {"dot": "o", "cross": "x", "diamond": "D"}
_SEQUENTIAL, _DIVERGING = "viridis", "RdBu_r"
_INACTIVE = -0.07
"""Where lines of inactive parameters end, below an axis from 0 to 1."""


def paint(chart: Chart) -> Figure:
    """A chart as a figure of matplotlib.

    Raises:
        MissingExtraError: If matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("figures need matplotlib; pip install 'fsopt[plot]'") from error
    rows = math.ceil(len(chart.panels) / chart.columns)
    size = _WIDTH.get(chart.columns, 10.8), chart.height * rows
    figure = Figure(figsize=size, layout="constrained")
    places = figure.subplots(
        rows,
        chart.columns,
        squeeze=False,
        subplot_kw={"projection": "3d"} if _is_cube(chart) else {},
    ).ravel()
    for axes, panel in zip(places, chart.panels, strict=False):
        if isinstance(panel, Parallel):
            _parallel(axes, panel)
        else:
            _panel(axes, panel)
    for axes in places[len(chart.panels) :]:
        axes.set_axis_off()
    _shades(figure, places, chart)
    figure.suptitle(chart.title, fontsize="large")
    return figure


def save(chart: Chart, path: Path) -> None:
    """Draw a chart into a file; its name's ending says in which format.

    Raises:
        MissingExtraError: If matplotlib is not installed.
        StorageError: If the file can't be written.
    """
    figure = paint(chart)
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror or error}") from error


def _is_cube(chart: Chart) -> bool:
    return any(isinstance(panel, Panel) and panel.z is not None for panel in chart.panels)


def _panel(axes: Any, panel: Panel) -> None:
    for depth, mark in enumerate(panel.marks, 2):
        _draw(axes, mark, panel, depth)
    _axis(axes, "x", panel.x)
    _axis(axes, "y", panel.y)
    if panel.z is not None:
        _axis(axes, "z", panel.z)
        axes.view_init(elev=22, azim=-58)
        if panel.z.names:  # words need more room than numbers
            axes.tick_params(axis="z", pad=10)
            axes.zaxis.labelpad = 18
        axes.set_box_aspect(None, zoom=0.86)
    if panel.title:
        axes.set_title(panel.title, fontsize="medium")
    labelled = [mark for mark in panel.marks if mark.label]
    if labelled:
        _legend(axes, has_title=bool(panel.title))
    axes.set_axisbelow(True)
    if not any(isinstance(mark, Boxes) for mark in panel.marks):
        axes.grid(visible=True, alpha=0.25)


def _legend(axes: Any, *, has_title: bool) -> None:
    """The legend: above the panel, where it hides nothing, unless its title is there."""
    if has_title:
        axes.legend(fontsize="small", framealpha=0.85)
        return
    columns = min(3, len(axes.get_legend_handles_labels()[0]))
    place = {"loc": "lower center", "bbox_to_anchor": (0.5, 1.0), "ncols": columns}
    axes.legend(fontsize="small", frameon=False, **place)


def _axis(axes: Any, which: str, axis: Axis) -> None:
    name = axis.label
    getattr(axes, f"set_{which}label")(_plain(name))
    if axis.scale == "log":
        if which == "z" or hasattr(axes, "get_zlim"):
            _log_ticks(axes, which, axis)
        else:
            getattr(axes, f"set_{which}scale")("log")
    if axis.low is not None and axis.high is not None:
        low, high = _position(np.array([axis.low, axis.high]), axis, axes).tolist()
        getattr(axes, f"set_{which}lim")(low, high)
    if axis.whole and axis.scale == "linear":
        getattr(axes, f"{which}axis").get_major_locator().set_params(integer=True)
    if axis.descending:
        getattr(axes, f"invert_{which}axis")()
    if axis.names:
        names = [(i, _shortened(each)) for i, each in enumerate(axis.names) if each]
        widest = max(len(each) for _, each in names)
        turned = which == "x" and widest * len(names) > 36
        look = {"rotation": 35, "ha": "right"} if turned else {}
        getattr(axes, f"set_{which}ticks")(
            [i for i, _ in names], [_plain(each) for _, each in names], **look
        )


def _log_ticks(axes: Any, which: str, axis: Axis) -> None:
    """Ticks at powers of ten: cubes have no logarithmic axes, so logarithms are drawn."""
    low, high = math.log10(axis.low or 1.0), math.log10(axis.high or 10.0)
    powers = range(math.ceil(low - 1e-9), math.floor(high + 1e-9) + 1)
    powers = powers[:: 1 + len(powers) // 5]
    getattr(axes, f"set_{which}ticks")(list(powers), [f"$10^{{{p}}}$" for p in powers])


def _position(numbers: FloatArray, axis: Axis, axes: Any) -> FloatArray:
    """Numbers as they are drawn: in a cube, logarithms where the axis is logarithmic."""
    if axis.scale == "log" and hasattr(axes, "get_zlim"):
        return np.log10(numbers)
    return numbers


def _plain(text: str) -> str:
    """A text that matplotlib does not take for mathematics."""
    return text.replace("$", r"\$")


def _shortened(text: str, most: int = 32) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _draw(axes: Any, mark: Mark, panel: Panel, depth: int) -> None:
    label = _plain(mark.label)
    if isinstance(mark, Points):
        _points(axes, mark, panel, depth)
    elif isinstance(mark, Line):
        axes.plot(
            mark.x,
            mark.y,
            color=PALETTE[mark.color],
            label=label or None,
            drawstyle="steps-post" if mark.step else "default",
            linestyle="--" if mark.dashed else "-",
            linewidth=mark.width,
            zorder=depth,
            alpha=0.45 if mark.trials is not None else 1.0,
        )
    elif isinstance(mark, Band):
        axes.fill_between(
            mark.x,
            mark.low,
            mark.high,
            color=PALETTE[mark.color],
            alpha=0.18,
            linewidth=0,
            label=label or None,
            zorder=depth,
        )
    else:
        _boxes(axes, mark, panel.shade, depth)


def _points(axes: Any, mark: Points, panel: Panel, depth: int) -> None:
    crosses = mark.symbol == "cross"
    look: dict[str, Any] = {
        "s": mark.size**2,
        "marker": _SYMBOLS[mark.symbol],
        "label": _plain(mark.label) or None,
        "zorder": depth,
        "linewidths": 1.2 if crosses else 0.0,
        "alpha": 0.85,
    }
    if isinstance(mark.color, int):
        look["color"] = PALETTE[mark.color]
    elif panel.shade is not None:
        look |= {"c": mark.color, "cmap": _colormap(panel.shade), "norm": _norm(panel.shade)}
    if mark.z is None or panel.z is None:
        axes.scatter(mark.x, mark.y, **look)
        return
    triple = ((mark.x, panel.x), (mark.y, panel.y), (mark.z, panel.z))
    axes.scatter(*(_position(n, axis, axes) for n, axis in triple), depthshade=False, **look)


def _boxes(axes: Any, mark: Boxes, shade: Shade | None, depth: int) -> None:
    from matplotlib.collections import PolyCollection

    left, right, bottom, top = mark.left, mark.right, mark.bottom, mark.top
    corners = np.stack(
        [
            np.stack([x, y], axis=-1)
            for x, y in ((left, bottom), (right, bottom), (right, top), (left, top))
        ],
        axis=1,
    )
    boxes = PolyCollection(corners, linewidths=0, label=_plain(mark.label) or None, zorder=depth)
    if isinstance(mark.color, int):
        boxes.set_facecolor(PALETTE[mark.color])
    elif shade is not None:
        boxes.set(array=mark.color, cmap=_colormap(shade), norm=_norm(shade))
        boxes.set_edgecolor("face")
        boxes.set_linewidth(0.3)
    axes.add_collection(boxes)
    axes.autoscale_view()
    for at, text in enumerate(mark.texts):
        middle = (left[at] + right[at]) / 2, (bottom[at] + top[at]) / 2
        strong = not isinstance(mark.color, int) and abs(mark.color[at]) > 0.6
        axes.text(
            *middle,
            _plain(text),
            ha="center",
            va="center",
            fontsize="x-small",
            color="white" if strong else "black",
            zorder=depth,
        )


def _colormap(shade: Shade) -> Any:
    from matplotlib import colormaps

    if shade.diverging:
        return colormaps[_DIVERGING]
    return colormaps[f"{_SEQUENTIAL}_r" if shade.reverse else _SEQUENTIAL]


def _norm(shade: Shade) -> Any:
    from matplotlib.colors import LogNorm, Normalize

    kind = LogNorm if shade.scale == "log" else Normalize
    return kind(shade.low, shade.high, clip=True)


def _shades(figure: Figure, places: Any, chart: Chart) -> None:
    """A bar of colours for each panel that has its own, or one for all that share it."""
    from matplotlib.cm import ScalarMappable

    shades = [panel.shade for panel in chart.panels]
    together = len(set(shades)) == 1
    for at, shade in enumerate(shades[:1] if together else shades):
        if shade is not None:
            figure.colorbar(
                ScalarMappable(_norm(shade), _colormap(shade)),
                ax=list(places[: len(shades)]) if together else places[at],
                label=_plain(shade.label),
                shrink=0.9,
                pad=0.1 if _is_cube(chart) else 0.02,
            )


def _parallel(axes: Axes, panel: Parallel) -> None:
    from matplotlib.collections import LineCollection

    heights = np.column_stack(
        [heights_on(axis, column) for axis, column in zip(panel.axes, panel.rows.T, strict=True)]
    )
    heights = np.where(np.isnan(heights), _INACTIVE, heights)
    along = np.arange(len(panel.axes))
    lines = [np.column_stack([along, row]) for row in heights]
    axes.add_collection(
        LineCollection(
            lines,
            array=panel.color,
            cmap=_colormap(panel.shade),
            norm=_norm(panel.shade),
            linewidths=0.8,
            alpha=0.6,
        )
    )
    axes.set_xlim(-0.3, len(panel.axes) - 0.4)
    axes.set_ylim(-0.1, 1.03)
    axes.set_yticks([])
    labels = [_plain(_shortened(axis.label, 18)) for axis in panel.axes]
    axes.set_xticks(along, labels, rotation=25, ha="left")
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
    if np.isnan(panel.rows).any():
        axes.set_xlabel("below an axis: inactive", fontsize="small")
    for spine in axes.spines.values():
        spine.set_visible(False)
    for at, axis in enumerate(panel.axes):
        axes.axvline(at, ymin=0.1 / 1.13, ymax=1.1 / 1.13, color="0.35", linewidth=0.9)
        for height, text in ticks_on(axis):
            axes.annotate(
                _plain(_shortened(text, 12)),
                (at, height),
                (3, 0),
                textcoords="offset points",
                fontsize="x-small",
                va="center",
                bbox={"facecolor": "white", "alpha": 0.7, "linewidth": 0, "pad": 0.6},
            )


def heights_on(axis: Axis, numbers: FloatArray) -> FloatArray:
    """Where numbers (n,) lie between the ends of an axis, from 0 to 1."""
    scaled = np.log if axis.scale == "log" else np.asarray
    low, high = scaled(np.array([axis.low, axis.high], dtype=np.float64))
    found: FloatArray = (scaled(numbers) - low) / (high - low)
    return found


def ticks_on(axis: Axis) -> list[tuple[float, str]]:
    """The heights and texts of an axis's ticks."""
    if axis.names:
        place = np.arange(float(len(axis.names)))
        return list(zip(heights_on(axis, place).tolist(), axis.names, strict=True))
    low, high = float(axis.low or 0.0), float(axis.high or 0.0)
    if axis.scale == "log":
        powers = np.arange(math.ceil(math.log10(low)), math.floor(math.log10(high)) + 1)
        at = np.float64(10) ** powers[:: 1 + len(powers) // 6]
        ratio = (high / low) ** 0.08  # nearer to an end than that there is no room
        at = np.concatenate([[low], at[(at > low * ratio) & (at < high / ratio)], [high]])
    else:
        from matplotlib.ticker import MaxNLocator

        at = np.array(MaxNLocator(5, integer=axis.whole).tick_values(low, high))
        at = at[(at >= low) & (at <= high)]
    return [(float(h), f"{t:.4g}") for h, t in zip(heights_on(axis, at), at, strict=True)]
