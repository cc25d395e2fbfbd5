import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import PredictionError
from fsopt.predictions import Prediction

P = np.array([[0.2, 0.8], [0.5, 0.5], [1.0, 0.0]])


def test_what_predictions_are_shows_in_their_shape_and_type() -> None:
    assert Prediction.of([0.5, 1.5]).kind == "values"
    assert Prediction.of([[0.5], [1.5]]).kind == "values"
    assert Prediction.of([0, 2]).kind == "labels"
    assert Prediction.of(P).kind == "probabilities"
    normal = Prediction.of([0.5, 1.5], [1.0, 2.0])
    assert normal.kind == "normal"
    assert normal.array.tolist() == [[0.5, 1.0], [1.5, 2.0]]
    columns = Prediction.of([[0.5], [1.5]], [[1.0], [2.0]])
    assert columns.array.tolist() == normal.array.tolist()


@pytest.mark.parametrize("index", [None, [4, 0, 2]])
@pytest.mark.parametrize(
    "made",
    [
        lambda index: Prediction.of([0.5, -1.0, 3.0], index=index),
        lambda index: Prediction.of([0.5, -1.0, 3.0], [1.0, 2.0, 0.1], index),
        lambda index: Prediction.of(P.astype(np.float32), index=index),
        lambda index: Prediction.of([0, 3, 1], index=index),
    ],
)
def test_columns_bring_back_what_was_put_in(made, index) -> None:
    before = made(index)
    after = Prediction.from_columns(before.to_columns())
    assert after.kind == before.kind
    assert after.array.dtype == before.array.dtype
    np.testing.assert_array_equal(after.array, before.array)
    if index is None:
        assert after.index is None
    else:
        assert after.index is not None
        assert after.index.tolist() == index


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (([],), "shape"),
        (([[[0.5]]],), "shape"),
        (([0.5, np.nan],), "not finite"),
        (([0.5, np.inf],), "not finite"),
        ((["a", "b"],), "type"),
        (([0.5], [0.0]), "positive"),
        (([0.5], [1.0, 1.0]), "shape"),
        ((P, [1.0, 1.0, 1.0]), "no standard deviations"),
        (([[-0.5, 1.5]],), "negative"),
        (([[3.0, 1.5]],), "softmax"),
        (([-1, 2],), "counted from 0"),
        (([0.5, 0.5], None, [0, 0]), "once"),
        (([0.5, 0.5], None, [0, -1]), "counted from 0"),
        (([0.5, 0.5], None, [0]), "shape"),
        (([0.5, 0.5], None, [0.0, 1.0]), "row numbers"),
    ],
)
def test_what_is_no_prediction_is_refused(arguments, what: str) -> None:
    with pytest.raises(PredictionError, match=what):
        Prediction.of(*arguments)


@pytest.mark.parametrize(
    "columns",
    [
        np.zeros(3),
        np.zeros(3, dtype=[("other", float)]),
        np.zeros(3, dtype=[("weights", float), ("values", float)]),
        np.zeros(3, dtype=[("index", np.int64)]),
        np.zeros((3, 2), dtype=[("values", float)]),
        np.zeros(3, dtype=[("probabilities", float)]),
        np.zeros(3, dtype=[("probabilities", float, (4,))]),  # a file of zeros after a crash
    ],
)
def test_columns_that_are_no_prediction_are_refused(columns) -> None:
    with pytest.raises(PredictionError):
        Prediction.from_columns(columns)


@given(st.lists(st.integers(0, 8), unique=True, max_size=9), st.permutations(range(9)))
def test_some_rows_of_a_part_are_those_of_the_whole(rows: list[int], order: list[int]) -> None:
    whole = np.arange(9.0)
    index = np.array(order[:5])
    part = Prediction.of(whole[index], index=index).at(np.array(rows, dtype=int))
    assert part.index is not None
    assert part.array.tolist() == [float(r) for r in rows if r in index]
    assert [rows[i] for i in part.index] == [r for r in rows if r in index]
    assert Prediction.of(whole).at(np.array(rows, dtype=int)).array.tolist() == rows
