"""Finished trials go through a Parquet file without loss."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from fsopt import events as e
from fsopt.events import Record
from fsopt.objectives import Objectives
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space, sample
from fsopt.state import StudyState
from fsopt.state.rows import Frozen
from fsopt.study.columns import from_parquet, to_table
from tests.unit.state.test_fold import SPACE, fold, logs, records_of
from tests.unit.state.test_table import many, trials_of

OBJECTIVES = Objectives.of({"y": "minimize"})


def file_of(table: pa.Table) -> pq.ParquetFile:
    sink = io.BytesIO()
    pq.write_table(table, sink)
    return pq.ParquetFile(sink)


def through_parquet(state: StudyState) -> Frozen:
    odd = [trial for trial in state.trials.live() if trial.state.is_finished]
    table = to_table(state.trials.frozen(), odd, SPACE, OBJECTIVES)
    return from_parquet(file_of(table), SPACE, OBJECTIVES)


@settings(deadline=None)
@given(logs)
def test_rows_come_back_as_they_were(logs: dict[str, list[e.Event]]) -> None:
    state = fold(records_of(logs))
    frozen = through_parquet(state)
    assert frozen.numbers.tolist() == state.trials.row_numbers().tolist()
    again = StudyState(SPACE, 1)
    assert again.trials.join(frozen).tolist() == []
    plain = StudyState(SPACE, 1)
    plain.trials.join(state.trials.frozen())
    assert trials_of(again) == trials_of(plain)


def test_every_kind_of_parameter_comes_back_and_so_does_its_absence() -> None:
    space = Space(
        Float("x", 0.0, 1.0),
        Int("n", 1, 9),
        Ordinal("size", [16, 32]),
        Ordinal("mixed", [1, "1"]),
        Categorical("c", ["a", "b"]),
        Categorical("flag", [True, False]),
        Constant("k", ("x", 1)),
        conditions=dict.fromkeys(("n", "size", "mixed", "c", "flag", "k"), "x < 0.5"),
    )
    units = sample(space, 40, np.random.default_rng(1))
    proposals = [space.from_row(row) for row in space.from_unit(units)]
    state = StudyState(space, 1)
    for number, params in enumerate(proposals):
        start = e.TrialStarted(trial=number, params=params, by="random")
        state.apply(Record("a", 2 * number, 1.0, start))
        end = e.TrialFailed(trial=number, reason=f"reason {number}")
        state.apply(Record("a", 2 * number + 1, 1.0, end))
    table = to_table(state.trials.frozen(), [], space, OBJECTIVES)
    again = from_parquet(file_of(table), space, OBJECTIVES)
    assert [again.trial(n).params for n in range(40)] == proposals
    assert [again.trial(n) for n in range(40)] == list(state.trials)
    assert {len(params) for params in proposals} == {1, 7}


def test_a_table_without_rows_comes_back() -> None:
    assert through_parquet(StudyState(SPACE, 1)).numbers.tolist() == []


@pytest.mark.parametrize(
    ("column", "change", "what"),
    [
        ("trial", lambda numbers: numbers[::-1], "ascend"),
        ("trial", lambda numbers: numbers - 1, "ascend"),
        ("trial", lambda numbers: numbers * 0, "ascend"),
        ("state", lambda states: np.full(len(states), "running"), "not finished"),
        ("state", lambda states: np.full(len(states), "sung"), "not in"),
    ],
)
def test_rows_that_no_table_can_hold_are_refused(
    column: str, change: Callable[[np.ndarray], np.ndarray], what: str
) -> None:
    table = to_table(many(range(3)).trials.frozen(), [], SPACE, OBJECTIVES)
    changed = pa.array(change(table[column].to_numpy()))
    at = table.schema.names.index(column)
    with pytest.raises(ValueError, match=what):
        from_parquet(file_of(table.set_column(at, column, changed)), SPACE, OBJECTIVES)


def test_a_table_of_another_space_is_refused() -> None:
    table = to_table(many(range(3)).trials.frozen(), [], SPACE, OBJECTIVES)
    with pytest.raises(KeyError):
        from_parquet(file_of(table), Space(Float("other", 0, 1)), OBJECTIVES)
