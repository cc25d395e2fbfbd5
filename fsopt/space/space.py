"""A search space and the three forms that a configuration takes.

``params``
    A dictionary from names to typed values, of the active parameters only.
*row*
    float64 (d,): one number a parameter, in the order of declaration. A `Float` or `Int` stands
    for itself, a `Categorical` or `Ordinal` for the index of its choice, a `Constant` is 0; NaN
    marks an inactive parameter. Nothing is lost.
*unit row*
    float64 (d,) in [0, 1], in which a uniform draw has the intended distribution: numbers are
    scaled linearly or in the logarithm, each of K levels or choices owns one Kth and is
    represented by its middle, a `Constant` is 0.5; NaN marks an inactive parameter.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import SpaceError
from fsopt.space import description
from fsopt.space.configurations import Params, missing, params_of, row_of
from fsopt.space.expressions import Expression
from fsopt.space.parameters import Constant, Parameter, scales_of
from fsopt.space.rules import (
    Conditions,
    Constraints,
    MissingCallable,
    Predicate,
    Rule,
    rule_source,
    rule_text,
)
from fsopt.space.scales import FloatArray, clipped
from fsopt.space.shortcuts import parameters_from
from fsopt.values import Json


class Space:
    """The configurations that may be tried. It never changes once it is made.

    Args:
        *parameters: The parameters; or one mapping from names to short forms (see
            `fsopt.space.shortcuts`).
        conditions: For each conditional parameter, when it is active: an expression, or a function
            of the parameters that were decided before. Parameters without one are always active.
        constraints: What must hold of every configuration: expressions, or functions of the active
            parameters. An expression that names an inactive parameter holds.

    Raises:
        SpaceError: If names repeat, a condition is circular or for no parameter, or an expression
            can't be read.
    """

    __slots__ = ("_conditions", "_constraints", "_parameters", "_scales")

    def __init__(
        self,
        *parameters: Parameter | Mapping[str, Any],
        conditions: Mapping[str, str | Predicate] | None = None,
        constraints: Sequence[str | Predicate] = (),
    ) -> None:
        self._parameters = parameters_from(parameters)
        if not isinstance(conditions, Mapping | None):
            raise SpaceError(f"conditions map names to expressions; {conditions!r} does not")
        if isinstance(constraints, str) or not isinstance(constraints, Iterable):
            raise SpaceError(f"constraints are a list, even of one; {constraints!r} is none")
        self._conditions = Conditions(conditions or {}, self._parameters)
        self._constraints = Constraints(tuple(constraints), self._parameters)
        self._scales = tuple(scales_of(self._parameters))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The parameters, in the order of a row's columns."""
        return self._parameters

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the parameters, in order."""
        return tuple(parameter.name for parameter in self._parameters)

    @property
    def conditions(self) -> Mapping[str, Rule]:
        """The conditions by the name of the parameter, in the order in which they are decided."""
        return {self._parameters[i].name: rule for i, rule in self._conditions.rules.items()}

    @property
    def constraints(self) -> tuple[Rule, ...]:
        """The constraints, in the order given."""
        return self._constraints.rules

    @property
    def cardinality(self) -> int | None:
        """The number of combinations, without regard to conditions and constraints.

        None if a parameter takes any value of a continuum.
        """
        counts = [parameter.levels for parameter in self._parameters]
        known = [count for count in counts if count is not None]
        return math.prod(known) if len(known) == len(counts) else None

    @property
    def has_callables(self) -> bool:
        """Whether a condition or constraint is a function, and so lives only in a script."""
        return any(not isinstance(rule, Expression) for rule in self._rules())

    @property
    def missing_callables(self) -> tuple[str, ...]:
        """The names of functions that are not there, because the space was read from data."""
        return tuple(rule.name for rule in self._rules() if isinstance(rule, MissingCallable))

    def to_row(self, params: Mapping[str, object]) -> FloatArray:
        """The row (d,) of a recorded configuration.

        Conditions and constraints are not checked: absent conditional parameters are inactive.

        Raises:
            SpaceError: If a name or value does not fit, or an unconditional parameter is absent.
        """
        row = row_of(params, self._parameters)
        if len(params) < len(row):
            for i in np.flatnonzero(np.isnan(row)):
                if i not in self._conditions.rules:
                    raise missing(self._parameters[i])
        return row

    def from_row(self, row: FloatArray) -> Params:
        """The values of the active parameters of a row (d,)."""
        return params_of(self._table(np.asarray(row)[np.newaxis])[0], self._parameters)

    def to_unit(self, rows: FloatArray) -> FloatArray:
        """Rows (n, d) as unit rows (n, d)."""
        rows = self._table(rows)
        units = np.empty_like(rows)
        for columns, scale in self._scales:
            units[:, columns] = scale.to_unit(rows[:, columns])
        return units

    def from_unit(self, U: FloatArray) -> FloatArray:
        """Unit rows (n, d) as rows (n, d) of representable values, with the conditions applied.

        Positions outside [0, 1] mean the nearest bound. NaN in the column of a parameter that
        turns out to be active means the middle, 0.5.

        Raises:
            SpaceError: If a function that is a condition is missing or raises.
        """
        U = self._table(U)
        complete = clipped(np.where(np.isnan(U), 0.5, U), 0.0, 1.0)
        rows = np.empty_like(complete)
        for columns, scale in self._scales:
            rows[:, columns] = scale.from_unit(complete[:, columns])
        self._conditions.apply(rows)
        return rows

    def snap(self, U: FloatArray) -> FloatArray:
        """The nearest unit rows (n, d) that stand for a configuration; idempotent.

        Constraints are not looked at.
        """
        return self.to_unit(self.from_unit(U))

    def satisfies(self, rows: FloatArray) -> NDArray[np.bool_]:
        """(n,) Which of the rows (n, d), with inactive parameters NaN, satisfy the constraints.

        Raises:
            SpaceError: If a function that is a constraint is missing or raises.
        """
        return self._constraints.satisfied(self._table(rows))

    def satisfies_each(self, rows: FloatArray) -> NDArray[np.bool_]:
        """(n, c) Which of the rows (n, d) satisfy which of the c constraints."""
        return self._constraints.each(self._table(rows))

    def check(self, given: Mapping[str, object]) -> Params:
        """The configuration that a user gave, as it will be recorded.

        Whole floats become integers where those are due and vice versa, numpy scalars become plain
        numbers, lists become tuples; constants are filled in.

        Raises:
            SpaceError: If a name is unknown, an active parameter is missing, an inactive one is
                given, a value is not allowed, or a constraint is violated.
        """
        row = _completed(self, row_of(given, self._parameters))
        self._conditions.apply(row[np.newaxis])
        _check_activity(self, given, row)
        for rule, holds in zip(
            self.constraints, self.satisfies_each(row[np.newaxis])[0], strict=True
        ):
            if not holds:
                raise SpaceError(f"the constraint {rule_text(rule)!r} does not hold for {given}")
        return self.from_row(row)

    def to_json(self) -> dict[str, Json]:
        """The space as data; of functions only the names are kept."""
        return description.describe(self)

    @classmethod
    def from_json(cls, data: object) -> Space:
        """The space that `to_json` described; its `missing_callables` can't be evaluated.

        Raises:
            SpaceError: If the data describe no space.
        """
        parts = description.read(data)
        return cls(*parts.parameters, conditions=parts.conditions, constraints=parts.constraints)

    def difference(self, other: Space) -> str | None:
        """How another space ("here") differs from this one ("the study"), or None if it does not.

        One sentence about the first difference. Functions are compared by name.
        """
        return description.difference(self, other)

    def __len__(self) -> int:
        return len(self._parameters)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Space) and self.difference(other) is None

    def __repr__(self) -> str:
        return description.code_of(self)

    def __reduce__(self) -> tuple[object, ...]:
        conditions = {name: rule_source(rule) for name, rule in self.conditions.items()}
        constraints = [rule_source(rule) for rule in self.constraints]
        return _remade, (self._parameters, conditions, constraints)

    def _rules(self) -> tuple[Rule, ...]:
        return (*self._conditions.rules.values(), *self._constraints.rules)

    def _table(self, rows: FloatArray) -> FloatArray:
        table = np.asarray(rows, dtype=np.float64)
        if table.ndim != 2 or table.shape[1] != len(self):
            raise SpaceError(f"rows must have the shape (n, {len(self)}), not {table.shape}")
        return table


def _completed(space: Space, row: FloatArray) -> FloatArray:
    """The row (d,) with numbers for all that was left out.

    For a conditional parameter any number will do: see `_check_activity`.
    """
    for i in np.flatnonzero(np.isnan(row)):
        parameter = space.parameters[i]
        if not isinstance(parameter, Constant) and parameter.name not in space.conditions:
            raise missing(parameter)
        row[i] = parameter.from_unit(np.array(0.5))
    return row


def _check_activity(space: Space, given: Mapping[str, object], row: FloatArray) -> None:
    """Compare what was given with what is active in the row (d,).

    In the order in which conditions are decided: up to the first error, no condition has looked at
    a parameter that was left out.
    """
    indices = {name: i for i, name in enumerate(space.names)}
    for name, rule in space.conditions.items():
        parameter, active = space.parameters[indices[name]], not np.isnan(row[indices[name]])
        if name in given and not active:
            raise SpaceError(
                f"parameter {name!r} is inactive here and can't be given: "
                f"its condition {rule_text(rule)!r} does not hold"
            )
        if name not in given and active and not isinstance(parameter, Constant):
            raise SpaceError(f"{missing(parameter)}; its condition {rule_text(rule)!r} holds")


def _remade(
    parameters: tuple[Parameter, ...],
    conditions: Mapping[str, str | Predicate],
    constraints: Sequence[str | Predicate],
) -> Space:
    """What pickle calls: compiled expressions can't be pickled, but their texts can."""
    return Space(*parameters, conditions=conditions, constraints=constraints)
