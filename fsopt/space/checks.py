"""What the parameters check about their arguments and about the values that they are given."""

from __future__ import annotations

import difflib
import math
import unicodedata
from collections.abc import Iterable, Mapping, Set
from typing import cast

from fsopt.errors import SpaceError
from fsopt.space.scales import MAX_LEVELS
from fsopt.values import MAX_INTEGER, Value, identity, to_value

_NOT_IN_NAMES = {"Cc", "Cs", "Zl", "Zp"}  # control characters, lone surrogates, line separators


def error(name: str, what: str) -> SpaceError:
    """An error about a parameter."""
    return SpaceError(f"parameter {name!r}: {what}")


def check_name(name: object) -> None:
    """Raise a SpaceError unless this can be the name of a parameter."""
    if not isinstance(name, str):
        raise SpaceError(f"a parameter's name is a string, not {name!r}")
    if not name:
        raise SpaceError("a parameter's name can't be empty")
    if any(unicodedata.category(character) in _NOT_IN_NAMES for character in name):
        raise SpaceError(f"the name {name!r} contains a line break or control character")


def flag(name: str, value: object) -> bool:
    """The value of ``log``, which must be True or False."""
    if not isinstance(value, bool):
        raise error(name, f"log is True or False, not {value!r}")
    return value


def real(name: str, role: str, given: object) -> float:
    """A number as a float: the value, a bound or the step of a `Float`."""
    try:
        value = float(given) if type(given) is int else plain(name, given)
    except OverflowError:
        raise error(name, f"{role} is too large: {given!r}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise error(name, f"{role} must be a number, not {given!r}")
    return float(value)


def finite(name: str, role: str, given: object) -> float:
    """A bound or the step of a `Float`."""
    value = real(name, role, given)
    if not math.isfinite(value):
        raise error(name, f"{role} must be finite, not {given!r}")
    return value + 0.0  # which turns -0.0 into 0.0


def integer(name: str, role: str, given: object) -> int:
    """A bound or step of an `Int`."""
    value = plain(name, given)
    if isinstance(value, float) and value.is_integer():
        raise error(name, f"{role} must be an integer: write {value:.0f}, not {given!r}")
    if isinstance(value, bool) or not isinstance(value, int):
        raise error(name, f"{role} must be an integer, not {given!r}")
    return value


def check_range(name: str, low: float, high: float, log: bool) -> None:
    """Raise a SpaceError unless ``low`` and ``high`` make a range."""
    if low == high:
        raise error(name, f"low and high are both {low!r}; use Constant({name!r}, {low!r})")
    if low > high:
        raise error(name, f"low ({low!r}) is above high ({high!r})")
    if log and low <= 0:
        raise error(name, f"a logarithmic range needs low > 0, not {low!r}")


def check_step(name: str, step: float) -> None:
    """Raise a SpaceError unless the step is positive."""
    if step <= 0:
        raise error(name, f"step must be positive, not {step!r}")


def check_levels(name: str, count: int, step: float) -> None:
    """Raise a SpaceError if a range with a step has one value only, or too many."""
    if count < 2:
        raise error(name, f"the step {step!r} is larger than the range")
    if count > MAX_LEVELS:
        raise error(
            name,
            f"{count:,} values are more than the {MAX_LEVELS:,} that can be told apart; "
            "use a larger step, or a Float",
        )


def check_inside(name: str, value: float, low: float, high: float) -> None:
    """Raise a SpaceError unless the value is in the range."""
    if not low <= value <= high:
        raise error(name, f"{value!r} is not in the range from {low!r} to {high!r}")


def off_step(name: str, value: float, low: float, step: float, nearest: float) -> SpaceError:
    """The error about a value between the steps."""
    return error(
        name, f"{value!r} is not one of the steps of {step!r} from {low!r}; one is {nearest!r}"
    )


def plain(name: str, given: object) -> Value:
    """What a user wrote as a plain value; lists become tuples."""
    try:
        return to_value(_tuples(given))
    except SpaceError as problem:
        raise error(name, str(problem)) from None


def options(name: str, role: str, given: object) -> tuple[Value, ...]:
    """The choices of a `Categorical` or the values of an `Ordinal`."""
    if isinstance(given, str | bytes):
        raise error(name, f"the {role}s are a list, not the string {given!r}")
    if isinstance(given, Set | Mapping) or not isinstance(given, Iterable):
        raise error(name, f"the {role}s are a list (something with an order), not {given!r}")
    values = tuple(plain(name, item) for item in cast("Iterable[object]", given))
    if not values:
        raise error(name, f"at least one {role} is needed")
    seen = set()
    for value in values:
        check_no_nan(name, value)
        if identity(value) in seen:
            raise error(name, f"the {role} {value!r} occurs twice")
        seen.add(identity(value))
    return values


def check_no_nan(name: str, value: Value) -> None:
    """Raise a SpaceError if the value is NaN, which does not even equal itself."""
    if isinstance(value, float) and math.isnan(value):
        raise error(name, "NaN can't be a value")
    if isinstance(value, tuple):
        for item in value:
            check_no_nan(name, item)


def check_width(name: str, low: int, high: int) -> None:
    """Raise a SpaceError if differences of values are not exact in a float64."""
    if high - low > MAX_INTEGER:
        raise error(name, f"the range from {low} to {high} is wider than 2**53")


def did_you_mean(name: object, names: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: a suggestion, or just a full stop."""
    close = difflib.get_close_matches(str(name), names, n=1)
    return f"; did you mean {close[0]!r}?" if close else "."


def _tuples(given: object) -> object:
    return tuple(_tuples(item) for item in given) if isinstance(given, list | tuple) else given
