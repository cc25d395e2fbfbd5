"""Conditions, which say when a parameter is active, and constraints, which rows are valid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import SpaceError
from fsopt.space.checks import did_you_mean
from fsopt.space.configurations import Params, params_of
from fsopt.space.expressions import Expression
from fsopt.space.parameters import Parameter
from fsopt.space.scales import FloatArray

Predicate: TypeAlias = Callable[[dict[str, Any]], object]
"""What a script may give instead of an expression: true or false of the active parameters."""


class MissingCallable:
    """Stands for a callable of the study script where only the study's files were read.

    Args:
        name: The qualified name of the callable.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, params: Params) -> bool:
        """Raise a SpaceError: there is nothing to call."""
        raise SpaceError(
            f"the function {self.name!r}, a condition or constraint of this space, lives only in "
            "the study script; take the space from the script, or use an expression instead"
        )


Rule: TypeAlias = Expression | Predicate


def rule_from(given: object, role: str, parameters: Sequence[Parameter]) -> Rule:
    """An expression or callable as a user gave it.

    Args:
        given: The text or the callable.
        role: What it is, such as ``"the condition of 'momentum'"``, for errors.
        parameters: The parameters that it may name.

    Raises:
        SpaceError: If it is neither, or an expression that can't be read.
    """
    if isinstance(given, str):
        return Expression(given, parameters)
    if callable(given):
        return given
    raise SpaceError(f"{role} must be an expression in a string, or a function, not {given!r}")


def rule_text(rule: Rule) -> str:
    """The text of an expression, or the stored name of a callable."""
    if isinstance(rule, Expression):
        return rule.text
    if isinstance(rule, MissingCallable):
        return rule.name
    return str(getattr(rule, "__qualname__", type(rule).__qualname__))


def rule_source(rule: Rule) -> str | Predicate:
    """What the rule was made from."""
    return rule.text if isinstance(rule, Expression) else rule


class Conditions:
    """Which parameters are active, given the numbers of the others.

    Expressions are decided in an order in which every parameter that one names was decided before.
    Callables can't tell what they look at, so they come after all expressions, in the order of the
    parameters; expressions that name a parameter with a callable condition come last.

    Raises:
        SpaceError: If a condition is for no parameter, can't be read, or depends on itself.
    """

    def __init__(self, given: Mapping[str, object], parameters: Sequence[Parameter]) -> None:
        self._parameters = tuple(parameters)
        indices = {parameter.name: i for i, parameter in enumerate(parameters)}
        for name in given:
            if name not in indices:
                raise SpaceError(
                    f"there is a condition for {name!r}, which is no parameter"
                    f"{did_you_mean(name, indices)} The parameters are: {', '.join(indices)}"
                )
        rules = {
            index: rule_from(given[name], f"the condition of {name!r}", parameters)
            for name, index in indices.items()
            if name in given
        }
        self.rules = {i: rules[i] for i in _ordered(rules, self._parameters)}

    def apply(self, rows: FloatArray) -> None:
        """Set the numbers of inactive parameters to NaN.

        Args:
            rows: (n, d) Rows with numbers for all parameters; changed in place.

        Raises:
            SpaceError: If a callable raises or is missing.
        """
        for index, rule in self.rules.items():
            if isinstance(rule, Expression):
                active = _holds_where_active(rule, rows, otherwise=False)
            else:
                active = self._called(rule, index, rows)
            rows[~active, index] = np.nan

    def _called(self, rule: Predicate, index: int, rows: FloatArray) -> NDArray[np.bool_]:
        """What a callable says of each row, seeing only parameters that were decided before."""
        order = list(self.rules)
        visible = rows.copy()
        visible[:, order[order.index(index) :]] = np.nan
        return _called(rule, visible, self._parameters)


class Constraints:
    """Which rows are valid.

    Expressions that name an inactive parameter are satisfied by the row.

    Raises:
        SpaceError: If a constraint can't be read.
    """

    def __init__(self, given: Sequence[object], parameters: Sequence[Parameter]) -> None:
        self._parameters = tuple(parameters)
        self.rules = tuple(rule_from(rule, "a constraint", parameters) for rule in given)

    def satisfied(self, rows: FloatArray) -> NDArray[np.bool_]:
        """(n,) Which of the rows (n, d) satisfy all constraints."""
        valid = np.ones(len(rows), dtype=np.bool_)
        # expressions are cheaper: callables see only the rows that are left
        for rule in sorted(self.rules, key=lambda rule: not isinstance(rule, Expression)):
            left = np.flatnonzero(valid)
            valid[left] = self._one(rule, rows[left])
        return valid

    def each(self, rows: FloatArray) -> NDArray[np.bool_]:
        """(n, c) Which of the rows (n, d) satisfy which constraint."""
        results = [self._one(rule, rows) for rule in self.rules]
        return np.stack(results, axis=1) if results else np.ones((len(rows), 0), dtype=np.bool_)

    def _one(self, rule: Rule, rows: FloatArray) -> NDArray[np.bool_]:
        if isinstance(rule, Expression):
            return _holds_where_active(rule, rows, otherwise=True)
        return _called(rule, rows, self._parameters)


def _holds_where_active(
    rule: Expression, rows: FloatArray, *, otherwise: bool
) -> NDArray[np.bool_]:
    active = ~np.isnan(rows[:, rule.columns]).any(axis=1)
    if active.all():
        return rule.holds(rows)
    result = np.full(len(rows), otherwise)
    result[active] = rule.holds(rows[active])
    return result


def _called(
    rule: Predicate, rows: FloatArray, parameters: Sequence[Parameter]
) -> NDArray[np.bool_]:
    if isinstance(rule, MissingCallable):
        rule({})
    results = np.empty(len(rows), dtype=np.bool_)
    for i, row in enumerate(rows):
        params = params_of(row, parameters)
        try:
            results[i] = bool(rule(dict(params)))
        except Exception as problem:
            raise SpaceError(
                f"the function {rule_text(rule)!r} raised {type(problem).__name__}: {problem}, "
                f"for the configuration {params}"
            ) from problem
    return results


def _ordered(rules: Mapping[int, Rule], parameters: Sequence[Parameter]) -> list[int]:
    """The parameters that have conditions, in the order in which these can be decided."""
    parents = {
        i: [c for c in rule.columns if c in rules] if isinstance(rule, Expression) else []
        for i, rule in rules.items()
    }
    for i, columns in parents.items():
        if i in columns:
            name, text = parameters[i].name, rule_text(rules[i])
            raise SpaceError(f"the condition of {name!r} refers to itself: {text!r}")
    try:
        order = list(TopologicalSorter(parents).static_order())
    except CycleError as problem:
        cycle = " -> ".join(repr(parameters[i].name) for i in problem.args[1])
        raise SpaceError(f"these conditions depend on each other in a circle: {cycle}") from None
    callables = [i for i, rule in rules.items() if not isinstance(rule, Expression)]
    late = set(callables)
    for i in order:
        if late.intersection(parents[i]):
            late.add(i)
    early = [i for i in order if i not in late]
    return [*early, *callables, *(i for i in order if i in late and i not in callables)]
