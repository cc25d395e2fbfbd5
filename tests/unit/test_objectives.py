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


def test_outcomes_with_limits_follow_the_objectives() -> None:
    limited = Objectives.of(
        {"accuracy": "maximize"}, {"memory": "<= 16", "speed": ">= 2.5", "accuracy": ">=0.5"}
    )
    assert limited.names == ("accuracy", "memory", "speed")
    assert not limited.are_several
    assert limited.read({"speed": 3, "memory": 17.0, "accuracy": 0.75}) == (0.75, 17.0, 3.0)
    values = np.array([[0.75, 17.0, 3.0], [0.25, 16.0, 2.0], [0.5, 16.0, 2.5]])
    np.testing.assert_array_equal(
        limited.excess(values), [[1, -0.5, -0.25], [0, 0.5, 0.25], [0, 0, 0]]
    )
    np.testing.assert_array_equal(limited.are_allowed(values), [False, False, True])
    np.testing.assert_array_equal(limited.to_minimise(values), -values[:, :1])


def test_without_limits_all_is_allowed() -> None:
    values = np.array([[0.5, 2.0], [1.0, 3.0]])
    assert TWO.excess(values).shape == (2, 0)
    assert TWO.are_allowed(values).all()


@pytest.mark.parametrize(
    "limit", ["16", "< 16", "== 3", "<= many", "<= nan", "<= inf", 16, "<= 1 2"]
)
def test_what_is_no_limit_is_refused(limit: object) -> None:
    with pytest.raises(StudyError, match="the limit of 'memory' must be such as"):
        Objectives.of({"accuracy": "maximize"}, {"memory": limit})


@pytest.mark.parametrize("limits", [["memory"], {3: "<= 4"}, {"": "<= 4"}])
def test_limits_are_by_name(limits: object) -> None:
    with pytest.raises(StudyError, match=r"constraints_on must|name must be"):
        Objectives.of({"accuracy": "maximize"}, limits)
