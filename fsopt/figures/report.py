"""One page about a study, or several: everything that people ask of it, without any network."""

from __future__ import annotations

import datetime
import json
import shlex
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from html import escape
from typing import Any

import fsopt
from fsopt.errors import FsoptError, StudyError
from fsopt.figures import progress
from fsopt.figures.catalogue import FIGURES, chart
from fsopt.figures.chart import Chart
from fsopt.figures.data import StudyData, name_of, read
from fsopt.figures.page import Group, page
from fsopt.study import Study
from fsopt.view.summary import (
    best_summary,
    failed_trials,
    format_seconds,
    format_value,
    status_summary,
)

_MOST_ROWS = 20


def report(studies: Sequence[Study], *, refresh: int | None = None) -> str:
    """A page about studies; with several, first their comparison.

    Args:
        studies: One or more, as far as this process knows them.
        refresh: After how many seconds a browser loads the page again, if it shall.

    Returns:
        HTML that needs nothing else.

    Raises:
        StudyError: If studies are compared that have different objectives.
        StorageError: If a study can't be read.
    """
    groups, known = [], []
    for index, study in enumerate(studies):
        study.sync()
        data = read(study)
        charts, missing = _charts(data)
        known.append(data)
        groups.append(
            Group(
                data,
                charts,
                before=_summary_html(study, index, charts),
                after=_definition_html(study) + _missing_html(missing),
            )
        )
    if len(studies) > 1:
        groups.insert(0, _comparison(studies, known))
    names = ", ".join(data.name for data in known)
    return page(f"Report: {names}", groups, refresh=refresh)


def _charts(data: StudyData) -> tuple[list[Chart], dict[str, str]]:
    """The figures that there are, and why there are no others, by name."""
    charts, missing = [], {}
    for name in FIGURES:
        try:
            charts.append(chart(data, name))
        except FsoptError as error:
            missing[name] = str(error)
    return charts, missing


def _comparison(studies: Sequence[Study], known: Sequence[StudyData]) -> Group:
    charts = [progress.comparison(known), progress.ecdf(known)]
    with suppress(StudyError):
        charts.insert(1, progress.regret(known))
    rows = []
    for study in studies:
        status = status_summary(study)
        counts, best = status["trials"], status["best"]
        if isinstance(best, list):
            values = f"{len(best)} on the Pareto front"
        else:
            values = ", ".join(map(format_value, best["values"].values())) if best else ""
        failed = counts["failed"]
        rows.append([name_of(study), counts["total"], counts["completed"], failed, values])
    head = ("study", "trials", "completed", "failed", "best")
    heading = f"<h1>{len(studies)} studies</h1>"
    return Group(None, charts, before=heading + _table(head, rows))


def _summary_html(study: Study, index: int, charts: Sequence[Chart]) -> str:
    status = status_summary(study)
    moment = datetime.datetime.now(tz=datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
    links = "".join(
        f'<a href="#{escape(each.name)}-{index}">{escape(each.title)}</a>' for each in charts
    )
    return (
        f"<header><h1>{escape(name_of(study))}</h1>"
        f'<p class="faint">as of {moment}, fsopt {escape(fsopt.__version__)}</p></header>'
        f"{_cards(_numbers(status))}{_best_html(study, index)}{_failures_html(study)}"
        f"<h2>Figures</h2><nav>{links}</nav>"
        '<p class="caption">Point at a mark to see its trial; drag to select trials, click to '
        "select one, click beside all to end that. What is selected in one figure stands out "
        "in all. By keyboard: Tab to a figure, then arrows, Enter, Escape.</p>"
    )


def _numbers(status: dict[str, Any]) -> list[tuple[str, str]]:
    """What stands first in a report: names and texts."""
    counts = status["trials"]
    finished = counts["completed"] + counts["stopped"] + counts["failed"]
    budget = status["budget"]["trials"]
    found = [("finished trials", f"{finished} of {budget}" if budget else str(finished))]
    found += [(name, str(n)) for name, n in counts.items() if n and name != "total"]
    best = status["best"]
    if isinstance(best, dict):
        found += [(f"best {name}", format_value(v)) for name, v in best["values"].items()]
    elif best:
        found.append(("on the Pareto front", f"{len(best)} trials"))
    if status["utilization"] is not None:
        found.append(("utilization", f"{status['utilization']:.0%}"))
    if status["trials_per_hour"] is not None:
        found.append(("trials an hour", f"{status['trials_per_hour']:.4g}"))
    if status["seconds_left"] and status["writers"]["live"]:
        found.append(("time left, about", format_seconds(status["seconds_left"])))
    live = status["writers"]["live"]
    return [*found, ("processes at work", str(live))] if live else found


def _cards(numbers: Sequence[tuple[str, str]]) -> str:
    cards = "".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in numbers)
    return f'<dl class="cards">{cards}</dl>'


def _best_html(study: Study, index: int) -> str:
    found = best_summary(study)
    if not found:
        return "<p>No trial is completed yet.</p>"
    if isinstance(found, list):
        return _front_html(found)
    text = json.dumps(found["params"], indent=2)
    values = ", ".join(f"{name} {format_value(v)}" for name, v in found["values"].items())
    return (
        f"<h2>Best configuration</h2><p>trial {found['trial']}: {escape(values)}</p>"
        f'<pre id="best-{index}">{escape(text)}</pre>'
        f'<button type="button" data-copy="best-{index}">Copy</button>'
    )


def _front_html(front: list[dict[str, Any]]) -> str:
    names = list(front[0]["values"])
    rows = [
        [t["trial"], *(format_value(t["values"][n]) for n in names), json.dumps(t["params"])]
        for t in front[:_MOST_ROWS]
    ]
    more = f"<p>The first {_MOST_ROWS} of {len(front)}.</p>" if len(front) > _MOST_ROWS else ""
    table = _table(("trial", *names, "configuration"), rows)
    return f"<h2>Pareto front</h2>{more}{table}"


def _failures_html(study: Study) -> str:
    failed = failed_trials(study.state)
    if not failed:
        return ""
    rows = [
        [len(numbers), reason, ", ".join(map(str, numbers[:5])) + (" …" if numbers[5:] else "")]
        for reason, numbers in list(failed.items())[:_MOST_ROWS]
    ]
    return f"<h2>Failures</h2>{_table(('trials', 'reason', 'such as'), rows)}"


def _definition_html(study: Study) -> str:
    config, state = study.config, study.state
    started = [w.started for w in state.writers.values() if w.started is not None]
    rows = [
        ("objectives", ", ".join(f"{k}: {v}" for k, v in config.objectives.items())),
        ("limits", ", ".join(f"{k} {v}" for k, v in config.constraints_on.items())),
        ("seed", config.seed),
        ("budget", state.budget or "none"),
        ("optimizer", _counted(json.dumps(s.optimizer) for s in started)),
        ("processes", len(state.writers)),
        ("machines", _counted(s.host for s in started)),
        ("jobs", _counted(s.job for s in started if s.job)),
        ("fsopt", _counted(s.version for s in started)),
        ("Python", _counted(s.python for s in started)),
    ]
    return (
        f"<h2>Definition</h2><pre>{escape(repr(config.space))}</pre>"
        f"<h2>Provenance</h2>{_table(('what', 'value'), [row for row in rows if row[1] != ''])}"
        f"<h2>Commands</h2><pre>{escape(_commands(study))}</pre>"
    )


def _counted(texts: Any) -> str:
    """Different texts with how often each occurs, the most frequent first."""
    counts = Counter(map(str, texts)).most_common()
    shown = [f"{text} ({n})" if len(counts) > 1 else text for text, n in counts[:10]]
    more = [f"{len(counts) - 10} more"] if len(counts) > 10 else []
    return ", ".join([*shown, *more])


def _commands(study: Study) -> str:
    """What reproduces the study and its parts."""
    directory = shlex.quote(str(study.directory or "DIR"))
    budget = f" --trials {study.state.budget}" if study.state.budget else ""
    lines = [
        "# the same search once more, with the script that the study was made with",
        f"fsopt run SCRIPT.py --study NEW{budget} --seed {study.config.seed}",
        "# all trials as a table; whether every byte is as it was written",
        f"fsopt trials {directory} --format csv -o trials.csv",
        f"fsopt verify {directory}",
    ]
    best = best_summary(study)
    best = best[0] if isinstance(best, list) and best else best
    if best:
        words = (f"{name}={_word(value)}" for name, value in best["params"].items())
        given = " ".join(map(shlex.quote, words))
        lines += [
            "# how the best configuration was found; try it in another study",
            f"fsopt show {directory} {best['trial']} --replay",
            f"fsopt enqueue NEW {given}",
        ]
    return "\n".join(lines)


def _word(value: object) -> str:
    """A value as ``fsopt enqueue`` reads it: JSON, or a text that is none."""
    if isinstance(value, str):
        try:
            json.loads(value)
        except ValueError:
            return value
    return json.dumps(value)


def _missing_html(missing: dict[str, str]) -> str:
    if not missing:
        return ""
    rows = [[name, why] for name, why in missing.items()]
    return f"<h2>Figures that there are not</h2>{_table(('figure', 'why'), rows)}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    top = "".join(f'<th scope="col">{escape(str(cell))}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<div class="table"><table><tr>{top}</tr>{body}</table></div>'
