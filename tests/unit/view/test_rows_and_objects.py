"""Views of rows and objects tell the same as a look at one record after the other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsopt
from fsopt import events as e
from fsopt.events import Record
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.state.table import TrialTable
from fsopt.values import to_json
from fsopt.view.inspection import write_table
from fsopt.view.report import failure_lines, status_lines
from fsopt.view.summary import best_summary, failures, status_summary
from fsopt.view.tables import plain_cells, reports_table, trials_table
from fsopt.view.utilization import utilization
from tests.unit.state.test_fold import events_of_trials
from tests.unit.view import reference

CHOICES = ["1", 1, 1.0, True, None, ("a", 1)]

SPACE = Space(
    Float("x", 0.0, 1.0),
    Int("n", 1, 9),
    Categorical("c", CHOICES),
    Int("wide", -(2**38), 2**38),
    Ordinal("size", [16, 32]),
    Ordinal("share", [0.5, 1.0]),
    Categorical("name", ["a", "b"]),
    Categorical("flag", [True, False]),
    Categorical("pair", [("a", 1), ("b", 2)]),
    Constant("k", "k"),
    conditions=dict.fromkeys(("wide", "size", "share", "name", "flag", "pair", "k"), "x < 0.5"),
)

configurations = st.fixed_dictionaries(
    {"x": st.floats(0, 1), "n": st.integers(1, 9), "c": st.sampled_from(CHOICES)},
    optional={
        "wide": st.integers(-(2**38), 2**38),
        "size": st.sampled_from([16, 32]),
        "share": st.sampled_from([0.5, 1.0]),
        "name": st.sampled_from(["a", "b"]),
        "flag": st.booleans(),
        "pair": st.sampled_from([("a", 1), ("b", 2)]),
        "k": st.just("k"),
    },
)

cells = st.integers(0, 3) | st.sampled_from(["s", 0.5, None, True, ("a", 1), float("inf")])

FAR = 10**7
"""A number that the columns do not reach."""


@st.composite
def stories(draw: st.DrawFn, objectives: int) -> list[e.Event]:
    """The events of one trial that one process evaluates; the last ones may be missing."""
    trial = draw(st.integers(0, 9) | st.just(FAR))
    values = st.tuples(*[st.floats(-5, 5)] * objectives)
    duration = st.none() | st.integers(0, 8).map(lambda quarters: quarters / 4)
    params, leased = draw(configurations), draw(st.booleans() | st.just(True))
    told: list[e.Event] = [e.TrialStarted(trial=trial, params=params, by="?", leased=leased)]
    for step in draw(st.lists(st.integers(0, 4), max_size=3)):
        told.append(e.TrialReported(trial=trial, steps=(step,), values=(step / 2,)))
    for name in draw(st.lists(st.sampled_from("abc"), max_size=2)):
        told.append(e.AttributeSet(trial=trial, name=name, value=draw(cells)))
    reason = st.sampled_from(["boom", "odd", ""])
    ends = st.one_of(
        st.builds(e.TrialCompleted, trial=st.just(trial), values=values, duration=duration),
        st.builds(e.TrialStopped, trial=st.just(trial), values=values, step=st.just(3)),
        st.builds(e.TrialFailed, trial=st.just(trial), reason=reason, duration=duration),
    )
    return [*told, draw(ends)][: draw(st.just(99) | st.integers(1, 4))]


@st.composite
def studies(draw: st.DrawFn, objectives: int = 1) -> fsopt.Study:
    """Ordinary trials, and some about which writers may have said anything."""
    plots = draw(st.lists(stories(objectives), max_size=10))
    odd = draw(st.lists(events_of_trials(), max_size=8))
    if odd:
        plots.insert(draw(st.integers(0, len(plots))), odd)
    goals = {"y": draw(st.sampled_from(["minimize", "maximize"]))}
    if objectives > 1:
        goals = {"y": "minimize", "z": "minimize"}
    study = fsopt.create_study(None, space=SPACE, objectives=goals, seed=1)
    seqs: dict[str, int] = {}
    for plot in plots:
        writer = draw(st.sampled_from("uvw"))
        for event in plot:
            seq = seqs[writer] = seqs.get(writer, -1) + 1
            # Quarters: then a sum does not depend on its order.
            study.state.apply(Record(writer, seq, draw(st.integers(0, 40)) / 4, event))
    return study


def exact(table: pd.DataFrame) -> dict[str, tuple[object, list[str]]]:
    """A table such that cells of different types, and different kinds of empty ones, differ."""
    return {str(name): (c.dtype, [repr(cell) for cell in c]) for name, c in table.items()}


both = pytest.mark.parametrize("objectives", [1, 2])


@both
@settings(deadline=None)
@given(data=st.data())
def test_the_tables_are_those_of_the_records(objectives: int, data: st.DataObject) -> None:
    study = data.draw(studies(objectives))
    for made, expected in (
        (trials_table(study), reference.trials_table(study)),
        (reports_table(study), reference.reports_table(study)),
    ):
        assert list(made.columns) == list(expected.columns)
        assert exact(made) == exact(expected)
        pd.testing.assert_frame_equal(made, expected, check_exact=True)


@both
@settings(deadline=None)
@given(data=st.data())
def test_the_summary_is_that_of_the_records(objectives: int, data: st.DataObject) -> None:
    study = data.draw(studies(objectives))
    state = study.state
    summary, rate = status_summary(study), reference.rate(state)
    states = [record.state for record in state.trials]
    assert summary["trials"].pop("total") == len(states)
    assert summary["trials"] == {s: states.count(s) for s in summary["trials"]}
    assert list(summary["failures"].items()) == list(reference.failures(state).items())
    assert summary["failures"] == failures(state)
    assert failure_lines(study) == reference.failure_lines(study)
    assert summary["trials_per_hour"] == (None if rate is None else round(rate * 3600, 3))
    for now in (5.0, 99.0):
        assert utilization(state, now) == reference.utilization(state, now)
    if state.budget is not None and rate is not None:
        left = max(state.budget - sum(s.is_finished for s in states), 0)
        assert summary["seconds_left"] == round(left / rate, 1)
    closed = sum(writer.closed for writer in state.writers.values())
    assert summary["writers"]["closed"] == closed
    assert sum(summary["writers"].values()) == len(state.writers)


@settings(deadline=None)
@given(studies())
def test_the_best_trial_is_that_of_the_records(study: fsopt.Study) -> None:
    best, expected = study.best, reference.best(study)
    assert (best and (best.number, best.params, best.value)) == expected
    assert (best_summary(study) or {}).get("trial") == (expected and expected[0])


@settings(deadline=None)
@given(studies(2))
def test_the_pareto_front_is_that_of_the_records(study: fsopt.Study) -> None:
    assert [trial.number for trial in study.pareto_front] == reference.front(study)


@settings(deadline=None)
@given(studies())
def test_cells_are_plain_for_every_kind_of_column(study: fsopt.Study) -> None:
    table = trials_table(study)
    expected = {name: [reference.plain_cell(c) for c in table[name]] for name in table}
    assert repr({name: plain_cells(table[name]) for name in table}) == repr(expected)
    rows = json.loads(write_table(table, "json", None) or "")
    assert [row["trial"] for row in rows] == table["trial"].tolist()
    for name in ("y", "param.c", "param.wide", "param.pair", "error"):
        assert [row[name] for row in rows] == [to_json(cell) for cell in expected[name]]
    moments = [cell and cell.isoformat() for cell in expected["finished_at"]]
    assert [row["finished_at"] for row in rows] == moments


def finished_study(directory: Path | None, trials: int) -> fsopt.Study:
    study = fsopt.create_study(
        directory, space=SPACE, objectives={"y": "minimize"}, optimizer=fsopt.RandomSearch()
    )
    for trial in study.ask(trials):
        trial.report(0.5, 1)
        trial.set_attribute("a", 1)
        result = fsopt.Failure("odd") if trial.number % 3 == 0 else float(trial.number)
        study.tell(trial, result)
    return study


def test_no_view_makes_objects_of_all_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    study = finished_study(None, 12)
    assert len(study.state.trials.row_numbers()) == 12
    made: list[int] = []
    thawed = TrialTable._thawed

    def counted(table: TrialTable, number: int) -> Any:
        made.append(number)
        return thawed(table, number)

    monkeypatch.setattr(TrialTable, "_thawed", counted)
    trials_table(study)
    reports_table(study)
    assert made == []
    status_lines(study, status_summary(study))
    # The best trial twice, and the one that stands for those that failed.
    assert sorted(made) == [0, 1, 1]


def test_a_failure_is_shown_with_the_traceback_of_its_first_trial(tmp_path: Path) -> None:
    study = finished_study(tmp_path / "s", 6)
    path = tmp_path / "s" / "trials" / "0" / "traceback.0.txt"
    path.parent.mkdir(parents=True)
    path.write_text("?")
    assert failure_lines(study) == [f"failed: 2 x odd (see {path})"]
    study.close()


def test_a_failure_without_a_reason_is_counted_as_unknown() -> None:
    study = fsopt.create_study(None, space=Space(Float("x", 0.0, 1.0)), seed=1)
    start = e.TrialStarted(trial=0, params={"x": 0.5}, by="?")
    study.state.apply(Record("a", 0, 0.0, start))
    study.state.apply(Record("a", 1, 1.0, e.TrialFailed(trial=0, reason="")))
    assert failure_lines(study) == ["failed: 1 x unknown"]


def test_reports_are_by_attempt_whichever_was_read_first() -> None:
    study = fsopt.create_study(None, space=SPACE, seed=1)
    for seq, attempt in enumerate([2, 0, 1]):
        event = e.TrialReported(trial=0, attempt=attempt, steps=(2, 1), values=(0.0, 0.0))
        study.state.apply(Record("a", seq, 0.0, event))
    reports = reports_table(study)
    assert reports["attempt"].tolist() == [0, 0, 1, 1, 2, 2]
    assert reports["step"].tolist() == [1, 2] * 3


def test_the_tables_do_not_change_with_the_study() -> None:
    study = finished_study(None, 4)
    table, reports = trials_table(study), reports_table(study)
    before = exact(table), exact(reports)
    study.state.apply(Record("late", 0, 9.0, e.TrialCompleted(trial=0, values=(7.0,))))
    study.tell(study.ask(), 1.0)
    assert (exact(table), exact(reports)) == before
    assert np.array_equal(table["trial"], range(4))
