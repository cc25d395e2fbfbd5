"""Columns hold what the arrays held, nulls and all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.study.buffers import is_valid, to_column, to_floats, to_numbers, to_texts

cells = st.lists(st.none() | st.integers(-9, 9), max_size=20)


@settings(deadline=None)
@given(cells, st.integers(0, 20), st.sampled_from([np.float64, np.int64, np.int32, np.bool_]))
def test_a_column_in_pieces_comes_back_as_an_array(
    cells: list[int | None], cut: int, dtype: type
) -> None:
    absent = np.array([cell is None for cell in cells], dtype=np.bool_)
    values = np.array([cell or 0 for cell in cells]).astype(dtype)
    whole = to_column(values, absent)
    assert whole.null_count == absent.sum()
    pieces = pa.chunked_array([whole[:cut], whole[cut:]])
    np.testing.assert_array_equal(is_valid(pieces), ~absent)
    found = to_numbers(pieces, dtype)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found[~absent], values[~absent])
    if dtype != np.bool_:
        np.testing.assert_array_equal(to_floats(pieces), np.where(absent, np.nan, values))


@given(st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"])), max_size=9))
def test_texts_come_back(texts: list[str | None]) -> None:
    column = to_texts(texts)
    assert column.type == pa.string()
    assert column.to_pylist() == texts


def test_an_array_does_not_share_memory_with_its_column() -> None:
    column = pa.chunked_array([to_column(np.arange(3))])
    to_numbers(column, np.int64)[:] = 7
    assert column.to_pylist() == [0, 1, 2]


def test_what_a_float_can_not_hold_is_refused() -> None:
    column = pa.chunked_array([to_column(np.array([2**53 + 1]))])
    with pytest.raises(pa.ArrowInvalid):
        to_floats(column)


def test_rows_go_to_parquet_and_back_without_pandas() -> None:
    program = """
import io, sys
import pyarrow.parquet as pq
from tests.unit.state.test_table import many
from tests.unit.study.test_columns import OBJECTIVES, SPACE, from_parquet, to_table
state, sink = many(range(9)), io.BytesIO()
before = "pandas" in sys.modules
pq.write_table(to_table(state.trials.frozen(), [], SPACE, OBJECTIVES), sink)
from_parquet(pq.ParquetFile(sink), SPACE, OBJECTIVES)
print(before, "pandas" in sys.modules)
"""
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("False False\n", "")
