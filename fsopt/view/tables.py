"""The tables of a study as pandas data frames; the columns are a contract: docs/output.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fsopt.space import Float, Int, Parameter
from fsopt.state import TrialRecord, TrialState
from fsopt.state.record import Report
from fsopt.state.table import TrialTable
from fsopt.study import Study
from fsopt.values import Value

_STATES = [state.value for state in TrialState]


def trials_table(study: Study) -> pd.DataFrame:
    """One row a trial, by number.

    Columns: ``trial``, ``state``, each objective under its own name, ``param.NAME``, ``worker``,
    ``attempts``, ``steps``, ``proposed_at``, ``started_at``, ``finished_at``, ``duration``,
    ``error``, ``user.NAME``.
    """
    trials = _Trials(study.state.trials)
    rows = trials.frozen.rows
    columns: dict[str, Any] = {
        "trial": pd.Series(trials.numbers, dtype="int64"),
        "state": trials.column(_chosen(_STATES, rows.state, "str"), lambda t: t.state.value),
    }
    for index, name in enumerate(study.session.objectives.names):
        reported = pd.Series(rows.values[:, index])
        columns[name] = trials.column(reported, partial(_value, index))
    for index, parameter in enumerate(study.config.space.parameters):
        cells = _parameter_cells(rows.row[:, index], parameter)
        columns[f"param.{parameter.name}"] = trials.column(cells, partial(_given, parameter.name))
    columns |= _origin(trials)
    columns |= _attributes(trials)
    return pd.DataFrame(columns)


def reports_table(study: Study) -> pd.DataFrame:
    """One row a reported step, by trial, attempt and step.

    Columns: ``trial``, ``attempt``, ``step``, ``value``, ``time`` (UTC, when it was written).
    """
    reported = _reported(study.state.trials)
    counts = [len(reports) for _, _, reports in reported]
    told = [pair for _, _, reports in reported for pair in sorted(reports.items())]
    origin = {
        name: np.repeat(np.array([entry[at] for entry in reported], dtype=np.int64), counts)
        for at, name in enumerate(("trial", "attempt"))
    }
    return pd.DataFrame(
        origin
        | {
            "step": pd.Series([step for step, _ in told], dtype="int64"),
            "value": pd.Series([report.value for _, report in told], dtype="float64"),
            "time": _times(pd.Series([report.stamp.time for _, report in told], dtype="float64")),
        }
    )


def plain_cells(column: pd.Series[Any]) -> list[Any]:
    """The cells of a column without pandas' and numpy's types; None where they are empty."""
    cells = column.astype("object").to_numpy(copy=True)
    cells[column.isna().to_numpy()] = None
    return list(cells.tolist())


class _Trials:
    """All trials of a study, of which columns can be made.

    The cells of rows are made together, those of objects one by one.
    """

    def __init__(self, table: TrialTable) -> None:
        self.frozen = table.frozen()
        self.objects = list(table.live())
        others = np.array([trial.number for trial in self.objects], dtype=np.int64)
        numbers = np.concatenate([self.frozen.numbers, others])
        self._order = np.argsort(numbers, kind="stable")
        self.numbers = numbers[self._order]
        """(n,) Ascending."""

    def column(
        self, of_rows: pd.Series[Any], of_object: Callable[[TrialRecord], Any]
    ) -> pd.Series[Any]:
        """A column of all trials.

        Args:
            of_rows: The cells of the rows, in the type that the column shall have.
            of_object: Gives the cell of an object; None for an empty one.
        """
        if not self.objects:
            return of_rows
        cells = [of_object(trial) for trial in self.objects]
        others: pd.Series[Any] = pd.Series(cells, dtype=of_rows.dtype)
        together = pd.concat([of_rows, others], ignore_index=True)
        return together.take(self._order).reset_index(drop=True)

    def rare(self, found: Mapping[int, Any], blank: NDArray[Any]) -> NDArray[Any]:
        """(k,) The cells of the rows, ``blank`` (k,) with what was found of few by number."""
        at = np.searchsorted(self.frozen.numbers, np.array(list(found), dtype=np.int64))
        for index, cell in zip(at.tolist(), found.values(), strict=True):
            blank[index] = cell
        return blank


def _value(index: int, trial: TrialRecord) -> float | None:
    outcome = trial.outcome
    return outcome.values[index] if outcome and outcome.values else None


def _given(name: str, trial: TrialRecord) -> Value:
    return (trial.params or {}).get(name)


def _parameter_cells(numbers: NDArray[np.float64], parameter: Parameter) -> pd.Series[Any]:
    """The values that numbers (k,) stand for, in the type that keeps them as they are."""
    if isinstance(parameter, Float):
        return pd.Series(numbers)
    inactive = np.isnan(numbers)
    if isinstance(parameter, Int):
        whole = np.where(inactive, 0, numbers).astype(np.int64)
        return pd.Series(pd.arrays.IntegerArray(whole, inactive))
    choices = [parameter.value_of(index) for index in range(parameter.levels)]
    codes = np.where(inactive, len(choices), numbers)
    return _chosen(choices, codes, _dtype(choices))


def _dtype(choices: Sequence[Value]) -> str:
    """The type of column that keeps values as they are, with room for none."""
    kinds = {type(choice) for choice in choices}
    simple = {int: "Int64", float: "float64", bool: "boolean", str: "str"}
    return simple.get(kinds.pop(), "object") if len(kinds) == 1 else "object"


def _chosen(choices: Sequence[Value], codes: NDArray[Any], dtype: str) -> pd.Series[Any]:
    """The choices of which the codes (k,) are indices; empty where the index is their number."""
    known: pd.Series[Any] = pd.Series([*choices, None], dtype=dtype)
    return known.take(codes.astype(np.intp)).reset_index(drop=True)


def _origin(trials: _Trials) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Who worked on the trials and when."""
    frozen, rows = trials.frozen, trials.frozen.rows
    extras, count = frozen.extras, len(rows)
    started, ended = pd.Series(rows.start_time), pd.Series(rows.end_time)
    steps = {number: max(reports, default=0) for number, reports in extras.reports.items()}
    last_steps = trials.rare(steps, np.zeros(count, dtype=np.int64))
    reasons = trials.rare(extras.reasons, np.full(count, None, dtype=np.object_))
    yield "worker", trials.column(_chosen(frozen.names, rows.writer, "str"), _worker)
    yield "attempts", trials.column(pd.Series(np.ones(count, np.int64)), lambda t: len(t.attempts))
    yield "steps", trials.column(pd.Series(last_steps), lambda t: t.last_step)
    yield "proposed_at", _times(trials.column(started, _proposed_at))
    yield (
        "started_at",
        _times(trials.column(started, lambda t: t.started.time if t.started else None)),
    )
    yield "finished_at", _times(trials.column(ended, _finished_at))
    yield "duration", trials.column(pd.Series(rows.duration), _duration)
    yield "error", trials.column(pd.Series(reasons, dtype="str"), _error)


def _worker(trial: TrialRecord) -> str | None:
    return trial.decisive.writer if trial.decisive else None


def _proposed_at(trial: TrialRecord) -> float | None:
    proposal = trial.effective_proposal
    return proposal.stamp.time if proposal else None


def _finished_at(trial: TrialRecord) -> float | None:
    outcome = trial.outcome
    return outcome.stamp.time if outcome and trial.state.is_finished else None


def _error(trial: TrialRecord) -> str | None:
    outcome = trial.outcome
    return outcome.reason if outcome and trial.state.is_finished else None


def _duration(trial: TrialRecord) -> float | None:
    """Seconds that all attempts took together, as far as they are known."""
    known = [a.outcome.duration for a in trial.attempts.values() if a.outcome]
    spent = [seconds for seconds in known if seconds is not None]
    return sum(spent) if spent else None


def _times(seconds: pd.Series[Any]) -> pd.Series[Any]:
    return pd.Series(pd.to_datetime(seconds, unit="s", utc=True))


def _attributes(trials: _Trials) -> Iterator[tuple[str, pd.Series[Any]]]:
    """What objectives have set, by name."""
    found = dict(trials.frozen.extras.attributes)
    found |= {trial.number: trial.attributes for trial in trials.objects}
    at = np.searchsorted(trials.numbers, np.array(list(found), dtype=np.int64))
    cells: dict[str, NDArray[Any]] = {}
    for index, attributes in zip(at.tolist(), found.values(), strict=True):
        for name, (value, _, _) in attributes.items():
            if name not in cells:
                cells[name] = np.full(len(trials.numbers), None, dtype=np.object_)
            cells[name][index] = value
    for name in sorted(cells):
        yield f"user.{name}", pd.Series(cells[name], dtype="object").infer_objects()


def _reported(table: TrialTable) -> list[tuple[int, int, Mapping[int, Report]]]:
    """The reports by step of every attempt that has any, by trial and attempt."""
    found: list[tuple[int, int, Mapping[int, Report]]] = [
        (number, 0, reports) for number, reports in table.frozen().extras.reports.items()
    ]
    found += [
        (trial.number, attempt.index, attempt.reports)
        for trial in table.live()
        for attempt in trial.attempts.values()
    ]
    return sorted(found, key=itemgetter(0, 1))
