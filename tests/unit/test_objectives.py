"""What counts as a result, and where signs flip."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import StudyError
from fsopt.objectives import Failure, Objectives

ONE = Objectives.of({"accuracy": "maximize"})
TWO = Objectives.of({"error": "minimize", "speed": "maximize"})


@pytest.mark.parametrize(
    ("result", "values"),
    [
        (1, (1.0,)),
        (0.5, (0.5,)),
        (np.float32(0.5), (0.5,)),
        (np.array(0.5), (0.5,)),
        (np.array([0.5]), (0.5,)),
        ([0.5], (0.5,)),
        ({"accuracy": 0.5}, (0.5,)),
        (Fraction(1, 2), (0.5,)),
    ],
)
def test_numbers_in_all_their_forms_are_results(result: object, values: object) -> None:
    assert ONE.read(result) == values


def test_several_objectives_come_by_name_or_in_order() -> None:
    assert TWO.read({"speed": 2, "error": 1}) == (1.0, 2.0)
    assert TWO.read((1, 2)) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        (math.nan, "returned nan for accuracy"),
        (math.inf, "returned inf for accuracy"),
        (-np.inf, "returned -inf for accuracy"),
        (10**400, "returned inf for accuracy"),
        (None, "returned None for accuracy; a number is expected"),
        ("0.9", "returned '0.9' (str) for accuracy; a number is expected"),
        (True, "returned 'True' (bool) for accuracy; a number is expected"),
        (1j, "returned '1j' (complex) for accuracy; a number is expected"),
        ([], "returned 0 values; the study has 1 objective (accuracy)"),
        ([1, 2], "returned 2 values; the study has 1 objective (accuracy)"),
        (np.zeros((2, 2)), "returned an array of shape (2, 2) for accuracy; a number is expected"),
        ({"acuracy": 1}, "returned the keys acuracy; the study's objectives are accuracy"),
        (Failure("out of memory"), "out of memory"),
    ],
)
def test_anything_else_is_a_failure_that_says_what_came(result: object, reason: str) -> None:
    assert ONE.read(result) == Failure(reason)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1))
def test_smaller_is_better_inside(values: list[tuple[float, float]]) -> None:
    given_values = np.array(values)
    inside = TWO.to_minimise(given_values)
    np.testing.assert_array_equal(inside[:, 0], given_values[:, 0])
    np.testing.assert_array_equal(inside[:, 1], -given_values[:, 1])


@pytest.mark.parametrize(
    ("given_objectives", "message"),
    [
        ({}, "at least one name"),
        (["accuracy"], "at least one name"),
        ({"a": "up"}, "objective 'a': the direction is 'up'"),
        ({"": "minimize"}, "must be a printable string"),
        ({"a\nb": "minimize"}, "must be a printable string"),
    ],
)
def test_nonsense_objectives_are_named(given_objectives: object, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        Objectives.of(given_objectives)  # type: ignore[arg-type]
