"""Configurations as dictionaries, to and from rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from fsopt.errors import SpaceError
from fsopt.space.checks import did_you_mean
from fsopt.space.parameters import Float, Int, Parameter
from fsopt.space.scales import FloatArray
from fsopt.values import Value

Params: TypeAlias = dict[str, Value]


def params_of(row: FloatArray, parameters: Sequence[Parameter]) -> Params:
    """The values of the active parameters of a row (d,)."""
    return {
        parameter.name: parameter.value_of(number)
        for parameter, number in zip(parameters, row.tolist(), strict=True)
        if not math.isnan(number)
    }


def row_of(params: Mapping[str, object], parameters: Sequence[Parameter]) -> FloatArray:
    """The numbers (d,) of values, NaN where there is none.

    Raises:
        SpaceError: If a name is unknown or a value does not fit.
    """
    if not isinstance(params, Mapping):
        raise SpaceError(f"a configuration maps names to values; {params!r} does not")
    numbers = [
        parameter.number_of(params[parameter.name]) if parameter.name in params else math.nan
        for parameter in parameters
    ]
    if len(params) != sum(parameter.name in params for parameter in parameters):
        raise _unknown(params, [parameter.name for parameter in parameters])
    return np.array(numbers)


def missing(parameter: Parameter) -> SpaceError:
    """The error about an active parameter without a value."""
    return SpaceError(f"parameter {parameter.name!r} is missing; it takes {_allowed(parameter)}")


def _unknown(params: Mapping[str, object], names: Sequence[str]) -> SpaceError:
    name = next(name for name in params if name not in names)
    hint = did_you_mean(name, names)
    return SpaceError(
        f"there is no parameter {name!r}{hint} The parameters are: {', '.join(names)}"
    )


def _allowed(parameter: Parameter) -> str:
    if isinstance(parameter, Float | Int):
        kind = "a number" if isinstance(parameter, Float) else "an integer"
        step = f" in steps of {parameter.step!r}" if parameter.step else ""
        return f"{kind} from {parameter.low!r} to {parameter.high!r}{step}"
    values = [repr(parameter.value_of(index)) for index in range(min(parameter.levels, 20))]
    more = ", ..." if parameter.levels > 20 else ""
    return f"one of {', '.join(values)}{more}"
