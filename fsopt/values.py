"""The values that a parameter can take, and how they are told apart.

A value is a string, an integer, a float, a boolean, ``None`` or a tuple of values. Unlike
Python's ``==``, fsopt keeps ``1``, ``1.0`` and ``True`` distinct: they are three different
choices, and each comes back from the log as what it was. JSON has no tuples and no non-finite
numbers: arrays stand for tuples, and ``{"$float": "nan"}`` for a number that JSON can't spell.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import TypeAlias

from fsopt.errors import SpaceError

Value: TypeAlias = "str | int | float | bool | tuple[Value, ...] | None"
Params: TypeAlias = Mapping[str, Value]
Json: TypeAlias = "str | int | float | bool | list[Json] | dict[str, Json] | None"

MAX_INTEGER = 2**53
"""Integers beyond this size are not exact in a float64 column, nor in other languages' JSON."""

MAX_DEPTH = 16
"""How deep tuples may be nested; keeps a hostile line from exhausting the stack."""


def to_value(given: object, depth: int = 0) -> Value:
    """Turn what a user wrote (perhaps a numpy scalar) into a plain value.

    Raises:
        SpaceError: If it is no string, number, boolean, None or tuple of these.
    """
    if given is None or isinstance(given, bool):
        return given
    if isinstance(given, str):
        if any("\ud800" <= character <= "\udfff" for character in given):
            raise SpaceError(f"the string {given!r} can't be written as UTF-8")
        return str(given)
    if isinstance(given, int):
        if abs(given) > MAX_INTEGER:
            raise SpaceError(f"the integer {given} is larger than 2**53; use a string instead")
        return int(given)
    if isinstance(given, float):
        return float(given)
    if isinstance(given, tuple):
        if depth == MAX_DEPTH:
            raise SpaceError(f"tuples may be nested {MAX_DEPTH} deep, not deeper")
        return tuple(to_value(item, depth + 1) for item in given)
    if getattr(given, "shape", None) == () and hasattr(given, "item"):
        return to_value(given.item(), depth)
    raise SpaceError(
        f"{given!r} ({type(given).__name__}) can't be a parameter's value; "
        "use a string, number, boolean, None or a tuple of these"
    )


def identity(value: Value) -> Hashable:
    """A key under which values of different types differ: ``1``, ``1.0`` and ``True``."""
    if isinstance(value, tuple):
        return ("tuple", *(identity(item) for item in value))
    if isinstance(value, float):
        return ("float", value.hex())
    return (type(value).__name__, value)


def to_json(value: Value) -> Json:
    """The JSON spelling of a value."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if isinstance(value, tuple):
        return [to_json(item) for item in value]
    return value


def from_json(spelled: object, depth: int = 0) -> Value:
    """The value that a JSON spelling stands for.

    Raises:
        ValueError: If it is the spelling of no value.
    """
    if spelled is None or isinstance(spelled, str | int | float):
        return spelled
    if isinstance(spelled, list) and depth < MAX_DEPTH:
        return tuple(from_json(item, depth + 1) for item in spelled)
    if isinstance(spelled, dict) and spelled.keys() == {"$float"}:
        number = spelled["$float"]
        if number in ("nan", "inf", "-inf"):
            return float(number)
    raise ValueError(f"not a value: {str(spelled)[:60]}")
