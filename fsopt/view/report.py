"""What verbs print for people, as lines of text."""

from __future__ import annotations

import datetime
import html
from typing import TYPE_CHECKING, Any

from fsopt.log import layout
from fsopt.state import TrialState
from fsopt.study import Study
from fsopt.study.ranking import By
from fsopt.trial import FinishedTrial
from fsopt.view.stopping import stopping_line
from fsopt.view.summary import (
    failed_trials,
    format_count,
    format_rate,
    format_seconds,
    format_value,
    format_values,
    status_summary,
)

if TYPE_CHECKING:
    import pandas as pd


def headline(study: Study) -> str:
    """How many trials there are, and in which states."""
    counts = study.state.trials.count()
    finished = sum(n for state, n in counts.items() if state.is_finished)
    budget = study.state.budget
    of = f" of {budget}" if budget else ""
    states = ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    more = f" ({states})" if states else ""
    return f"{study.directory or 'in memory'}: {finished}{of} trials finished{more}"


def best_lines(study: Study, by: By | None = None) -> list[str]:
    """The best trial with its parameters, or the Pareto front; ``by`` as in `Study.best_trial`."""
    if study.session.objectives.are_several:
        front = study.front(by)
        if not front:
            return [_no_best(study)]
        lines = [f"Pareto front: {format_count(len(front), 'trial')}"]
        return lines + [line for trial in front for line in _trial_lines("", trial)]
    best = study.best_trial(by)
    return _trial_lines("best: ", best) if best else [_no_best(study)]


def _no_best(study: Study) -> str:
    """Why there is no best trial."""
    if study.state.trials.count()[TrialState.COMPLETED]:
        limits = ", ".join(f"{k} {v}" for k, v in study.config.constraints_on.items())
        return f"every completed trial violates a constraint ({limits})"
    return "no trial is completed yet"


def failure_lines(study: Study) -> list[str]:
    """The reasons why trials failed, with their counts and where to look."""
    lines = []
    for reason, numbers in failed_trials(study.state).items():
        example = study.state.trials[numbers[0]]
        attempt = example.decisive.index if example.decisive else 0
        path = layout.traceback(example.number, attempt)
        shown = study.directory / path if study.directory else None
        where = f" (see {shown})" if shown and shown.exists() else ""
        lines.append(f"failed: {len(numbers)} x {reason}{where}")
    return lines


def status_lines(study: Study, status: dict[str, Any]) -> list[str]:
    """``fsopt status`` for people."""
    lines = [headline(study)]
    writers = status["writers"]
    parts = [f"{n} {kind}" for kind, n in writers.items() if n]
    lines.append(f"processes: {', '.join(parts) or 'none yet'}")
    if status["utilization"] is not None:
        lines.append(f"utilization: {status['utilization']:.0%}")
    if status["trials_per_hour"] is not None:
        left = status["seconds_left"]
        more = f", about {format_seconds(left)} left" if left and writers["live"] else ""
        lines.append(f"rate: {format_rate(status['trials_per_hour'])}{more}")
    if status["stopping"] is not None:
        lines.append(stopping_line(status["stopping"]))
    for prior in status["priors"]:
        lines.append(f"prior: {format_count(prior['trials'], 'trial')} of {prior['source']}")
    for built in status["ensembles"]:
        score, single = (format_value(built[key]) for key in ("score", "single_score"))
        lines.append(
            f"ensemble: {format_count(len(built['members']), 'trial')} by their {built['name']!r} "
            f"predictions, {built['loss']} {score} (best single trial: {single})"
        )
    if status["stopped"]:
        lines.append("stopped: processes finish; fsopt reopen lets the study go on")
    if status["damaged_lines"]:
        lines.append(f"damaged lines in the logs: {status['damaged_lines']} (ignored)")
    if status["unknown_events"]:
        lines.append(f"events of a newer fsopt: {status['unknown_events']} (ignored)")
    return lines + failure_lines(study) + best_lines(study)


def status_html(study: Study) -> str:
    """A study in a notebook."""
    text = html.escape("\n".join(status_lines(study, status_summary(study))))
    return f"<pre>{text}</pre>"


def show_lines(shown: dict[str, Any], texts: dict[str, str]) -> list[str]:
    """``fsopt show`` for people.

    Args:
        shown: As `fsopt.view.inspection.trial_details` gives it.
        texts: Tracebacks and ends of outputs by file name.
    """
    lines = [f"trial {shown['trial']}: {shown['state']}"]
    if shown["values"]:
        lines.append(f"  {format_values(shown['values'])}")
    if shown["reason"]:
        lines.append(f"  {shown['reason']}")
    lines += ["parameters", *_aligned(shown["params"])]
    lines += _explanation_lines(shown["explanation"] or {"source": shown["proposed_by"]})
    if "replay" in shown:
        lines += _replay_lines(shown["replay"], shown["params"])
    if shown["attributes"]:
        lines += ["attributes", *_aligned(shown["attributes"])]
    lines.append("events")
    for event in shown["events"]:
        rest = {k: v for k, v in event.items() if k not in _ENVELOPE}
        details = " ".join(f"{k}={format_value(v)}" for k, v in rest.items() if k != "params")
        lines.append(f"  {_clock(event['time'])}  {event['event']}  {event['writer']}  {details}")
    if shown["files"]:
        lines += ["files", *(f"  {path}" for path in shown["files"])]
    for name, text in texts.items():
        lines += [name, *(f"  {line}" for line in text.rstrip().splitlines())]
    return lines


def table_text(table: pd.DataFrame) -> str:
    """The trials table for people, without the columns that are empty or rarely wanted."""
    if table.empty:
        return "no trials yet"
    hidden = ("worker", "proposed_at", "started_at", "finished_at")
    columns = [c for c in table.columns if c not in hidden and not table[c].isna().all()]
    cells = [
        [name.removeprefix("param.").removeprefix("user."), *_texts(table[name])]
        for name in columns
    ]
    widths = [max(map(len, column)) for column in cells]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in zip(*cells, strict=True)
    ]
    return "\n".join(lines)


def _explanation_lines(told: dict[str, Any]) -> list[str]:
    """An explanation for people; of one that is not known the source only."""
    lines = [f"proposed by: {told['source'] or 'unknown'}"]
    if told.get("surrogate") is not None:
        lines.append(f"  model: {told['surrogate']}")
    if (predicted := told.get("predicted")) is not None:
        mean, deviation = (format_value(predicted[key]) for key in ("mean", "deviation"))
        lines.append(f"  expected: {mean} ± {deviation}")
    if (acquisition := told.get("acquisition")) is not None:
        lines.append(f"  {acquisition['name']}: {format_value(acquisition['value'])}")
    if (best := told.get("incumbent")) is not None:
        lines.append(f"  best until then: {format_value(best['value'])} (trial {best['trial']})")
    return lines


def _replay_lines(replay: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
    """A replay for people.

    Args:
        replay: As `Origin.replay` gives it.
        recorded: The configuration that the study has, as JSON.
    """
    if replay["verdict"] == "impossible":
        return [f"replay: not possible, {replay['why']}"]
    if replay["verdict"] == "same":
        return ["replay: same", *_aligned(replay["params"])]
    lines = [f"replay: different, {replay['why']}"]
    if replay["params"] is not None:
        lines += ["recorded", *_aligned(recorded), "proposed now", *_aligned(replay["params"])]
    return lines


def _texts(column: pd.Series[Any]) -> list[str]:
    from fsopt.view.tables import plain_cells

    return ["" if cell is None else format_value(cell) for cell in plain_cells(column)]


_ENVELOPE = ("time", "event", "writer", "seq", "trial")


def _trial_lines(prefix: str, trial: FinishedTrial) -> list[str]:
    head = f"{prefix}trial {trial.number}, {format_values(trial.values)}"
    expected = [
        f"  expected {name}: {value.mean:.6g} ± {value.deviation:.2g}"
        for name, value in trial.expected.items()
    ]
    return [head, *expected, *_aligned(dict(trial.params))]


def _aligned(items: dict[str, Any]) -> list[str]:
    width = max(map(len, items), default=0)
    return [f"  {name:<{width}}  {format_value(value)}" for name, value in items.items()]


def _clock(seconds: float) -> str:
    moment = datetime.datetime.fromtimestamp(seconds, tz=datetime.UTC)
    return moment.isoformat(sep=" ", timespec="milliseconds").removesuffix("+00:00")
