"""Configurations of another study in the coordinates of this one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from fsopt.errors import SpaceError
from fsopt.prior.mixture import FloatArray
from fsopt.space import Float, Int, Parameter, Space
from fsopt.values import Params


def to_positions(
    configurations: Sequence[Mapping[str, object]],
    space: Space,
    rename: Mapping[str, str] | None = None,
) -> FloatArray:
    """Where configurations that were made for other spaces lie in this one.

    Numbers outside of a range count as its nearest bound, between two levels as the nearer one. A
    text that spells a number is one, since tables often hold texts only.

    Args:
        configurations: n of them.
        space: This study's.
        rename: From the names of parameters there to those here, where they differ.

    Returns:
        (n, d) Positions in [0, 1]. NaN where a parameter is inactive or unknown there, or has a
        value that this space does not have.
    """
    names = {ours: theirs for theirs, ours in (rename or {}).items()}
    units = np.full((len(configurations), len(space)), np.nan)
    for column, parameter in enumerate(space.parameters):
        name = names.get(parameter.name, parameter.name)
        numbers = [
            number_of(parameter, one[name]) if name in one else math.nan for one in configurations
        ]
        units[:, column] = parameter.to_unit(np.array(numbers, dtype=np.float64))
    return units


def exact_params(given: Mapping[str, object], space: Space) -> Params:
    """A configuration of another study as one of this space, without any change of values.

    Texts are read as numbers where these are due; parameters that are not in this space, or
    inactive in it, are left out.

    Raises:
        SpaceError: If it is not in this space.
    """
    row = np.full((1, len(space)), np.nan)
    for column, parameter in enumerate(space.parameters):
        if parameter.name in given:
            row[0, column] = _exact_number(parameter, given[parameter.name])
    active = space.from_unit(space.to_unit(row))[0]
    params = space.from_row(np.where(np.isnan(active), np.nan, row[0]))
    return space.check(params)


def _exact_number(parameter: Parameter, given: object) -> float:
    readings = _readings(given)
    for value in readings[1:]:
        try:
            return parameter.number_of(value)
        except SpaceError:
            continue
    return parameter.number_of(readings[0])


def number_of(parameter: Parameter, given: object) -> float:
    """The number that stands in a row for a value, or for the nearest; NaN if there is none."""
    for value in _readings(given):
        if isinstance(parameter, Float | Int):
            if not isinstance(value, int | float) or isinstance(value, bool):
                continue
            if math.isfinite(value):
                return _nearest(parameter, float(value))
        else:
            try:
                return parameter.number_of(value)
            except SpaceError:
                continue
    return math.nan


def _readings(given: object) -> list[object]:
    """What a cell of a table may mean, the most literal first."""
    if not isinstance(given, str):
        return [given]
    readings: list[object] = [given]
    for read in (int, float):
        try:
            readings.append(read(given))
        except ValueError:
            continue
    spelled = {"true": True, "false": False}.get(given.lower())
    return readings if spelled is None else [*readings, spelled]


def _nearest(parameter: Float | Int, value: float) -> float:
    inside = min(max(value, parameter.low), parameter.high)
    if parameter.levels is None:
        return inside
    step = parameter.step or 1
    level = min(round((inside - parameter.low) / step), parameter.levels - 1)
    return float(parameter.at_levels(np.array(float(level))))
