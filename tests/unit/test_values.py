"""Values are told apart by type and survive JSON."""

import json
import math

import numpy as np
import pytest
from hypothesis import given

from fsopt.errors import SpaceError
from fsopt.values import MAX_DEPTH, MAX_INTEGER, from_json, identity, to_json, to_value
from tests.strategies_events import values


@given(values())
def test_a_value_survives_json(value: object) -> None:
    back = from_json(json.loads(json.dumps(to_json(value), allow_nan=False)))  # type: ignore[arg-type]
    assert identity(back) == identity(value)  # type: ignore[arg-type]


def test_nan_has_a_spelling() -> None:
    assert to_json(math.nan) == {"$float": "nan"}
    assert math.isnan(from_json({"$float": "nan"}))  # type: ignore[arg-type]


def test_equal_values_of_different_types_are_distinct() -> None:
    assert len({identity(value) for value in ("1", 1, 1.0, True, (1,), (1.0,))}) == 6
    assert identity(0.0) != identity(-0.0)


def test_numpy_scalars_become_plain() -> None:
    for given_value, kind in [
        (np.int64(3), int),
        (np.float32(0.5), float),
        (np.bool_(True), bool),
    ]:
        assert type(to_value(given_value)) is kind


@pytest.mark.parametrize(
    ("given_value", "message"),
    [
        ([1], "can't be a parameter's value"),
        ({"a": 1}, "can't be a parameter's value"),
        (b"x", "can't be a parameter's value"),
        (MAX_INTEGER + 1, "larger than 2\\*\\*53"),
        ("\ud800", "can't be written as UTF-8"),
        ((((1, [2]),),), "can't be a parameter's value"),
    ],
)
def test_what_is_no_value_is_refused(given_value: object, message: str) -> None:
    with pytest.raises(SpaceError, match=message):
        to_value(given_value)


def test_nesting_has_an_end_in_both_directions() -> None:
    nested: object = 1
    for _ in range(MAX_DEPTH + 1):
        nested = (nested,)
    with pytest.raises(SpaceError, match="nested"):
        to_value(nested)
    spelled: object = 1
    for _ in range(MAX_DEPTH + 1):
        spelled = [spelled]
    with pytest.raises(ValueError, match="not a value"):
        from_json(spelled)


@pytest.mark.parametrize("spelled", [{"$float": "1"}, {"$float": "nan", "x": 1}, {}, {"a": 1}])
def test_other_objects_spell_no_value(spelled: object) -> None:
    with pytest.raises(ValueError, match="not a value"):
        from_json(spelled)
