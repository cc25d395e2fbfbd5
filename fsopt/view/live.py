"""The screen of ``fsopt watch``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from fsopt.state import TrialState
from fsopt.study import Study
from fsopt.view.stopping import stopping_line
from fsopt.view.summary import (
    format_params,
    format_rate,
    format_seconds,
    format_value,
    format_values,
    status_summary,
)
from fsopt.view.workers import Worker, workers

_BARS = " ▁▂▃▄▅▆▇█"
_COLORS = {"completed": "green", "stopped": "yellow", "failed": "red", "running": "cyan"}
_FATES = {"live": "green", "lost": "red", "closed": "dim"}
_MOST_REASONS = 3
_AROUND = 15
"""Lines that the screen needs for all but the curve and the workers."""


def screen(study: Study, width: int, height: int) -> RenderableType:
    """How a study stands, in so many columns and lines.

    Args:
        study: As far as this process knows it; nothing is read.
        width: Columns.
        height: Lines.
    """
    status = status_summary(study)
    crew = workers(study)
    room = max(6, height - _AROUND)
    rows = min(len(crew), max(2, room // 2))
    parts = [
        _progress(status, width),
        _numbers(status),
        _curve(study, width - 6, max(3, min(10, room - rows))),
        _crew(crew, rows),
    ]
    if status["failures"]:
        parts.append(_failures(status["failures"]))
    return Group(*parts)


def best_curve(study: Study) -> NDArray[np.float64]:
    """(n,) The best value of the first objective when each completed trial had ended."""
    frozen = study.state.trials.frozen()
    objectives = study.session.objectives
    done = frozen.rows.having(TrialState.COMPLETED)
    values, ends = frozen.rows.values[done], frozen.rows.end_time[done]
    others = [
        (trial.outcome.values, trial.outcome.stamp.time)
        for trial in study.state.trials.live()
        if trial.state is TrialState.COMPLETED and trial.outcome
    ]
    if others:
        values = np.vstack([values, np.array([given for given, _ in others])])
        ends = np.concatenate([ends, [moment for _, moment in others]])
    order = np.argsort(ends, kind="stable")
    allowed = order[objectives.are_allowed(values[order])]
    best = objectives.to_minimise(values[allowed])
    np.minimum.accumulate(best, axis=0, out=best)
    curve: NDArray[np.float64] = objectives.to_minimise(best)[:, 0]
    return curve


def bars(numbers: NDArray[np.float64], width: int, height: int) -> list[str]:
    """Numbers (n,) as columns of text, the last of those that share a column counting."""
    if not len(numbers):
        return [""] * height
    count = min(width, len(numbers))
    last = np.linspace(0, len(numbers), count + 1)[1:].astype(int) - 1
    shown = numbers[last]
    low, span = float(shown.min()), float(np.ptp(shown)) or 1.0
    eighths = np.rint((shown - low) / span * (8 * height - 1)).astype(int) + 1
    return [
        "".join(_BARS[min(8, max(0, each - 8 * level))] for each in eighths.tolist())
        for level in reversed(range(height))
    ]


def _progress(status: dict[str, Any], width: int) -> RenderableType:
    counts, total = status["trials"], status["budget"]["trials"]
    finished = sum(counts[name] for name in ("completed", "stopped", "failed"))
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{finished} of {total} trials" if total else f"{finished} trials", style="bold")
    for name, number in counts.items():
        if number and name != "total":
            line.append(f"  {number} {name}", style=_COLORS.get(name, "dim"))
    if status["stopped"]:
        line.append("  stopped: processes finish", style="yellow")
    line.append(f"  {status['study']}", style="dim")
    if not total:
        return line
    bar = ProgressBar(total=total, completed=min(finished, total), width=width)
    return Group(line, Padding(bar, 0))  # which ends its line


def _numbers(status: dict[str, Any]) -> RenderableType:
    parts = []
    if status["trials_per_hour"] is not None:
        parts.append(format_rate(status["trials_per_hour"]))
    if status["seconds_left"] and status["writers"]["live"]:
        parts.append(f"about {format_seconds(status['seconds_left'])} left")
    if status["utilization"] is not None:
        parts.append(f"utilization {status['utilization']:.0%}")
    parts += [f"{number} {kind}" for kind, number in status["writers"].items() if number]
    lines = [" | ".join(parts) or "nothing has happened yet"]
    if status["stopping"] is not None:
        lines.append(stopping_line(status["stopping"]))
    best = status["best"]
    if isinstance(best, list):
        lines.append(f"{len(best)} trials on the Pareto front")
    elif best:
        params = format_params(best["params"])
        lines.append(f"best: trial {best['trial']}, {format_values(best['values'])} ({params})")
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


def _curve(study: Study, width: int, height: int) -> RenderableType:
    curve = best_curve(study)
    if not len(curve):
        return Text("no trial is completed yet", style="dim")
    name = next(iter(study.session.objectives.directions))
    ends = [format_value(float(number)) for number in (curve.max(), curve.min())]
    margin = max(map(len, ends))
    labels = [ends[0], *[""] * (height - 2), ends[1]]
    rows = bars(curve, max(10, width - margin - 3), height)
    text = "\n".join(f"{label:>{margin}} {row}" for label, row in zip(labels, rows, strict=True))
    title = f"best {name} over {len(curve)} completed trials"
    return Panel(Text(text, style="green", no_wrap=True), title=title, title_align="left")


def _crew(crew: list[Worker], rows: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, expand=True, show_edge=False, pad_edge=False)
    for name, least in (
        ("process", 12),
        ("machine", 4),
        ("is", 6),
        ("last sign", 12),
        ("runs", 4),
    ):
        table.add_column(name, no_wrap=True, overflow="ellipsis", min_width=least)
    for worker in crew[:rows]:
        trials = ", ".join(map(str, worker.running[:6])) + (" …" if worker.running[6:] else "")
        table.add_row(
            Text(worker.writer),
            Text(worker.host),
            Text(worker.fate, style=_FATES[worker.fate]),
            f"{format_seconds(worker.silent)} ago",
            trials,
        )
    if len(crew) > rows:
        return Group(table, Text(f"and {len(crew) - rows} more processes", style="dim"))
    return table


def _failures(failures: dict[str, int]) -> RenderableType:
    shown = list(failures.items())[:_MOST_REASONS]
    lines = [f"failed: {number} x {reason}" for reason, number in shown]
    if len(failures) > len(shown):
        lines.append(f"and {len(failures) - len(shown)} more reasons")
    return Text("\n".join(lines), style="red", no_wrap=True, overflow="ellipsis")
