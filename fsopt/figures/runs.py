"""How evaluations went: learning curves, and who evaluated what when."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fsopt.figures.chart import (
    BLUE,
    GREEN,
    ORANGE,
    PINK,
    RED,
    Axis,
    Boxes,
    Chart,
    FloatArray,
    IntArray,
    Line,
    Mark,
    Panel,
    Points,
    ends,
)
from fsopt.figures.data import StudyData, require, scale_of, time_unit
from fsopt.view.utilization import Evaluations, slots

if TYPE_CHECKING:
    import pandas as pd

_MOST_CURVES = 400
_MOST_WRITERS = 60
_MOMENTS = 120

_COLORS = {"completed": BLUE, "stopped": ORANGE, "failed": RED}


def curves(data: StudyData) -> Chart:
    """The values that trials reported while they ran, and where they were stopped or promoted."""
    chosen = data.reports[np.isfinite(data.reports["value"])]
    require(len(chosen), "no trial has reported values while it ran; there are no curves")
    numbers = chosen["trial"].unique()
    total = len(numbers)
    if total > _MOST_CURVES:
        numbers = numbers[np.linspace(0, total - 1, _MOST_CURVES).astype(int)]
        chosen = chosen[chosen["trial"].isin(numbers)]
    states = dict(zip(data.numbers.tolist(), data.states.tolist(), strict=True))
    marks: list[Mark] = []
    for state, color in (*_COLORS.items(), ("running", GREEN)):
        of_state = chosen[[_shown_as(states.get(t, "")) == state for t in chosen["trial"]]]
        if len(of_state):
            marks.append(_curve_line(of_state, color, state))
    marks += _ends_and_promotions(chosen, states)
    marks += _best_curve(data)
    values = chosen["value"].to_numpy(dtype=np.float64)
    scale = scale_of(values)
    low, high = ends(_without_extremes(values), scale=scale)
    steps = chosen["step"]
    label = data.objective_label() if len(data.objectives.directions) == 1 else "reported value"
    more = f" Of {total} curves {len(numbers)} are shown." if total > len(numbers) else ""
    return Chart(
        name="curves",
        title="Learning curves",
        caption="What trials reported after each step. A cross is where a trial was stopped, a "
        f"diamond where another attempt took it on.{more}",
        panels=(
            Panel(
                x=_step_axis(steps),
                y=Axis(label=label, scale=scale, low=low, high=high),
                marks=tuple(marks),
            ),
        ),
    )


def _step_axis(steps: pd.Series[int]) -> Axis:
    low, high = min(1.0, float(steps.min())), float(steps.max())
    return Axis(label="step", whole=True, low=low, high=max(high, low + 1))


def _shown_as(state: str) -> str:
    return state if state in _COLORS else "running"


def _curve_line(reports: pd.DataFrame, color: int, label: str) -> Line:
    """One line of many curves: each ends with a gap."""
    table = reports.sort_values(["trial", "step", "attempt"])
    trial = table["trial"].to_numpy(dtype=np.int64)
    at = np.flatnonzero(np.diff(trial)) + 1  # where a gap goes
    return Line(
        x=np.insert(table["step"].to_numpy(dtype=np.float64), at, np.nan),
        y=np.insert(table["value"].to_numpy(dtype=np.float64), at, np.nan),
        trials=np.insert(trial, at, trial[at - 1] if len(at) else trial[:0]),
        color=color,
        label=label,
        width=0.9,
    )


def _ends_and_promotions(reports: pd.DataFrame, states: dict[int, str]) -> list[Mark]:
    table = reports.sort_values(["trial", "step", "attempt"])
    last = table.groupby("trial").tail(1)
    stopped = last[[states.get(trial) == "stopped" for trial in last["trial"]]]
    renewed = table[
        (table["trial"] == table["trial"].shift()) & (table["attempt"] > table["attempt"].shift())
    ]
    marks: list[Mark] = []
    for chosen, symbol, color, label in (
        (stopped, "cross", ORANGE, "stopped here"),
        (renewed, "diamond", PINK, "taken on by another attempt"),
    ):
        if len(chosen):
            marks.append(
                Points(
                    x=chosen["step"].to_numpy(dtype=np.float64),
                    y=chosen["value"].to_numpy(dtype=np.float64),
                    trials=chosen["trial"].to_numpy(dtype=np.int64),
                    symbol=symbol,  # type: ignore[arg-type]
                    color=color,
                    label=label,
                )
            )
    return marks


def _best_curve(data: StudyData) -> list[Mark]:
    if len(data.objectives.directions) > 1 or not data.is_completed.any():
        return []
    losses = np.where(data.is_completed, data.losses[:, 0], np.inf)
    best = int(data.numbers[losses.argmin()])
    own = data.reports[data.reports["trial"] == best].sort_values(["step", "attempt"])
    along, values = (own[name].to_numpy(dtype=np.float64) for name in ("step", "value"))
    return [Line(x=along, y=values, color=GREEN, label=f"the best, trial {best}", width=2.2)]


def _without_extremes(values: FloatArray) -> FloatArray:
    """Values without those far outside: a diverged curve must not flatten all others."""
    low, high = np.quantile(values, (0.02, 0.98))
    reach = 2 * (high - low)
    inside: FloatArray = values[(values >= low - reach) & (values <= high + reach)]
    return inside


def timeline(data: StudyData) -> Chart:
    """Which process evaluated what when, and how many evaluations went on at each moment."""
    spans = data.evaluations
    require(len(spans.trials), "nothing was evaluated yet; there is no timeline")
    begin = float(spans.starts.min())
    unit, unit_name = time_unit(float(spans.ends.max()) - begin)
    starts, stops = (spans.starts - begin) / unit, (spans.ends - begin) / unit
    until = float(stops.max()) or 1.0  # all may have happened at once
    x = Axis(label=f"{unit_name} since the start", low=0.0, high=until * 1.01)
    moments, busy = concurrency(starts, stops, until)
    share = float((stops - starts).sum()) / (until * slots(spans).sum())
    note = ""
    if len(spans.writers) > _MOST_WRITERS:
        note = f" Of {len(spans.writers)} processes the first {_MOST_WRITERS} are shown."
    return Chart(
        name="timeline",
        title="Timeline of workers",
        caption="Each bar is an attempt at a trial; gaps between bars are time in which a process "
        "proposed, or waited. Below, how many evaluations went on at the same time." + note,
        panels=(
            _gantt(data, spans, starts, stops, x),
            Panel(
                title=f"evaluations at the same time; {share:.0%} of what was possible",
                x=x,
                y=Axis(
                    label="evaluations",
                    low=0.0,
                    high=max(1.0, float(busy.max())) * 1.1,
                    whole=True,
                ),
                marks=(Line(x=moments, y=busy, color=GREEN, width=1.2),),
            ),
        ),
        height=3.4,
    )


def concurrency(
    starts: FloatArray, ends: FloatArray, until: float
) -> tuple[FloatArray, FloatArray]:
    """How many evaluations went on, on average over each of many equal periods.

    Args:
        starts: (n,) When evaluations began.
        ends: (n,) When they ended.
        until: The end of the last period; the first begins at 0.

    Returns:
        (p,) The middles of the periods and (p,) the numbers.
    """
    edges = np.linspace(0.0, max(until, 1e-9), _MOMENTS + 1)

    def total_before(times: FloatArray) -> FloatArray:
        """The sum over the times of how long before each edge they are, if they are."""
        ordered = np.sort(times)
        sums = np.concatenate([[0.0], np.cumsum(ordered)])
        count = np.searchsorted(ordered, edges)
        before: FloatArray = count * edges - sums[count]
        return before

    width = edges[1] - edges[0]
    busy = np.diff(total_before(starts) - total_before(ends)) / width
    return (edges[:-1] + edges[1:]) / 2, np.maximum(busy, 0.0)


def _gantt(
    data: StudyData, spans: Evaluations, starts: FloatArray, stops: FloatArray, x: Axis
) -> Panel:
    rank = np.argsort(np.argsort([starts[spans.by == w].min() for w in range(len(spans.writers))]))
    lanes = _lanes(rank[spans.by], starts, stops)
    shown = min(len(spans.writers), _MOST_WRITERS)
    offset = np.concatenate(
        [
            [0],
            np.cumsum([lanes[rank[spans.by] == w].max() + 1 for w in range(len(spans.writers))]),
        ]
    )
    place = offset[rank[spans.by]] + lanes
    high = int(offset[shown])
    states = dict(zip(data.numbers.tolist(), data.states.tolist(), strict=True))
    of = np.array([_shown_as(states.get(t, "")) for t in spans.trials.tolist()])
    marks = []
    for state, color in (*_COLORS.items(), ("running", GREEN)):
        chosen = (of == state) & (place < high)
        if chosen.any():
            marks.append(
                Boxes(
                    left=starts[chosen],
                    right=stops[chosen],
                    bottom=place[chosen] - 0.4,
                    top=place[chosen] + 0.4,
                    color=color,
                    label="running, waiting or paused" if state == "running" else state,
                    trials=spans.trials[chosen],
                )
            )
    names = [""] * high
    for writer, position in enumerate(rank.tolist()):
        if position < shown:
            names[offset[position]] = spans.writers[writer]
    y = Axis(label="", names=tuple(names), low=-0.6, high=high - 0.4, descending=True)
    return Panel(x=x, y=y, marks=tuple(marks))


def _lanes(by: IntArray, starts: FloatArray, stops: FloatArray) -> IntArray:
    """(n,) Beside how many others of the same writer each evaluation is shown."""
    lanes = np.zeros(len(by), dtype=np.int64)
    free: dict[int, list[float]] = {}
    for at in np.argsort(starts, kind="stable").tolist():
        until = free.setdefault(int(by[at]), [])
        lane = next((i for i, end in enumerate(until) if end <= starts[at]), len(until))
        if lane == len(until):
            until.append(0.0)
        until[lane] = float(stops[at])
        lanes[at] = lane
    return lanes
