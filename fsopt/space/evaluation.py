"""Arithmetic and logic on columns in which single rows may fail.

An operation never raises for a row: the row is marked and carries on with a meaningless value,
because the expression may not need it. In ``x != 0 and 1 / x > 2`` the division fails where ``x``
is 0, and Python would not have carried it out there.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from fsopt.values import Value

Column: TypeAlias = NDArray[Any]
Marks: TypeAlias = NDArray[np.uint8]

FINE, NUMERIC_FAILURE, TYPE_FAILURE = 0, 1, 2


class Outcome(NamedTuple):
    """The values of an expression and which rows failed; the arrays broadcast to the rows."""

    values: Column
    failed: Marks


def outcome_of(column: Column) -> Outcome:
    """An outcome in which no row has failed."""
    return Outcome(column, _none_failed())


def literal(value: Value) -> Outcome:
    """An outcome that is the same for all rows."""
    if isinstance(value, int | float):
        return outcome_of(np.asarray(value, dtype=np.float64))
    column: Column = np.empty((), dtype=np.object_)
    column[()] = cast("Any", value)
    return outcome_of(column)


def truth(outcome: Outcome) -> NDArray[np.bool_]:
    """Python's truth of each value."""
    return outcome.values.astype(np.bool_, copy=False)


def numbers(outcome: Outcome) -> Outcome:
    """The values as float64; those that are no numbers are marked."""
    if outcome.values.dtype != np.object_:
        return Outcome(outcome.values.astype(np.float64), outcome.failed)
    is_number = _elementwise(_is_number, outcome.values, dtype=bool)
    values = np.where(is_number, outcome.values, np.nan).astype(np.float64)
    return Outcome(values, _first(outcome.failed, _marks(~is_number, TYPE_FAILURE)))


def calculate(function: Callable[..., Any], *operands: Outcome) -> Outcome:
    """Apply a numpy function; rows whose result is not finite are marked."""
    converted = [numbers(operand) for operand in operands]
    values = np.asarray(function(*(operand.values for operand in converted)))
    failed = _none_failed()
    for operand in converted:
        failed = _first(failed, operand.failed)
    return Outcome(values, _first(failed, _marks(~np.isfinite(values), NUMERIC_FAILURE)))


def equal(left: Outcome, right: Outcome) -> Outcome:
    """Python's ``==`` of each pair."""
    if np.object_ in (left.values.dtype, right.values.dtype):
        same = np.equal(left.values.astype(np.object_), right.values.astype(np.object_))
    else:
        same = np.equal(left.values, right.values)
    return Outcome(np.asarray(same, dtype=np.bool_), _first(left.failed, right.failed))


_ORDERS: dict[Any, Callable[[Any, Any], bool]] = {
    np.less: operator.lt,
    np.less_equal: operator.le,
    np.greater: operator.gt,
    np.greater_equal: operator.ge,
}


def compare(order: np.ufunc, left: Outcome, right: Outcome) -> Outcome:
    """Apply ``<``, ``<=``, ``>`` or ``>=``; pairs that have no order are marked."""
    failed = _first(left.failed, right.failed)
    if np.object_ not in (left.values.dtype, right.values.dtype):
        return Outcome(np.asarray(order(left.values, right.values)), failed)
    python_order = _ORDERS[order]

    def one(a: Any, b: Any) -> int:
        try:
            return int(python_order(a, b))
        except TypeError:
            return -1

    pairs = (left.values.astype(np.object_), right.values.astype(np.object_))
    results = _elementwise(one, *pairs, dtype=int)
    failed = _first(failed, _marks(results == -1, TYPE_FAILURE))
    return Outcome(np.asarray(results == 1), failed)


def contained(item: Outcome, options: tuple[Value, ...]) -> Outcome:
    """Python's ``in`` of each value."""
    if item.values.dtype == np.object_:
        found = _elementwise(lambda value: value in options, item.values, dtype=bool)
    else:
        found = np.isin(item.values, [x for x in options if isinstance(x, int | float)])
    return Outcome(np.asarray(found), item.failed)


def negation(outcome: Outcome) -> Outcome:
    """Python's ``not``."""
    return Outcome(np.asarray(~truth(outcome)), outcome.failed)


def conjunction(left: Outcome, right: Outcome) -> Outcome:
    """Python's ``and`` as a boolean: where the left is false, the right does not matter."""
    first = truth(left)
    failed = _first(left.failed, np.where(first, right.failed, FINE).astype(np.uint8))
    return Outcome(np.asarray(first & truth(right)), failed)


def disjunction(left: Outcome, right: Outcome) -> Outcome:
    """Python's ``or`` as a boolean: where the left is true, the right does not matter."""
    first = truth(left)
    failed = _first(left.failed, np.where(first, FINE, right.failed).astype(np.uint8))
    return Outcome(np.asarray(first | truth(right)), failed)


def choice(condition: Outcome, then: Outcome, otherwise: Outcome) -> Outcome:
    """Python's ``then if condition else otherwise``."""
    chosen = truth(condition)
    branches = [then.values, otherwise.values]
    if any(branch.dtype == np.object_ for branch in branches):
        branches = [branch.astype(np.object_) for branch in branches]
    failed = _first(condition.failed, np.where(chosen, then.failed, otherwise.failed))
    return Outcome(np.where(chosen, *branches), failed)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _none_failed() -> Marks:
    return np.zeros((), dtype=np.uint8)


def _marks(where: Column, mark: int) -> Marks:
    return np.where(where, mark, FINE).astype(np.uint8)


def _first(earlier: Marks, later: Marks) -> Marks:
    """The marks of two operations, of which the earlier would have stopped Python."""
    return np.where(earlier, earlier, later).astype(np.uint8)


def _elementwise(function: Callable[..., Any], *columns: Column, dtype: type) -> Column:
    """Call a Python function for each row."""
    return np.asarray(np.frompyfunc(function, len(columns), 1)(*columns)).astype(dtype)
