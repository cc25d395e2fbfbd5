"""Search spaces: parameters, conditions and constraints, and configurations as arrays."""

from __future__ import annotations

from fsopt.space.beliefs import Normal
from fsopt.space.expressions import Expression
from fsopt.space.parameters import Categorical, Constant, Float, Int, Ordinal, Parameter
from fsopt.space.sampling import enumerate_all, same_rows, sample, unique_rows
from fsopt.space.space import Space

__all__ = [
    "Categorical",
    "Constant",
    "Expression",
    "Float",
    "Int",
    "Normal",
    "Ordinal",
    "Parameter",
    "Space",
    "enumerate_all",
    "same_rows",
    "sample",
    "unique_rows",
]
