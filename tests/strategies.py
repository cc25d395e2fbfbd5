"""Random parameters and search spaces for property tests."""

from __future__ import annotations

import math

from hypothesis import strategies as st

from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Parameter, Space
from fsopt.values import Value, identity

scalars = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=5),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False),
    st.booleans(),
    st.none(),
)
values = st.one_of(scalars, st.tuples(scalars, scalars))


@st.composite
def continuous(draw: st.DrawFn, name: str = "x") -> Float:
    """Floats without a step, from narrow to as wide as can be."""
    log = draw(st.booleans())
    if log:
        low = draw(st.floats(1e-200, 1e200))
        return Float(name, low, low * draw(st.floats(1.001, 1e100)), log=True)
    low = draw(st.floats(-1e9, 1e9))
    high = low + draw(st.floats(1e-3, 1e12))
    return Float(name, low, high)


@st.composite
def stepped(draw: st.DrawFn, name: str = "x") -> Float:
    """Floats with a step: short decimals as people write them, and arbitrary numbers."""
    if draw(st.booleans()):
        scale = 10.0 ** draw(st.integers(0, 6))
        low, step = draw(st.integers(1, 500)) / scale, draw(st.integers(1, 50)) / scale
    else:
        low, step = draw(st.floats(0.01, 100)), draw(st.floats(0.01, 10))
    high = low + step * draw(st.floats(1, 300))
    return Float(name, low, high, log=draw(st.booleans()), step=step)


@st.composite
def integers(draw: st.DrawFn, name: str = "x") -> Int:
    """Ints of all widths, with and without log and step."""
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -(2**52), 2**52))
    width = draw(st.one_of(st.integers(1, 20), st.integers(1, 2**39)))
    step = draw(st.one_of(st.none(), st.integers(1, width)))
    return Int(name, low, low + width, log=log, step=step)


def listed(name: str = "x") -> st.SearchStrategy[Parameter]:
    """Categoricals, ordinals and constants."""
    several = st.lists(values, min_size=1, max_size=6, unique_by=identity)
    return st.one_of(
        several.map(lambda choices: Categorical(name, choices)),
        several.map(lambda choices: Ordinal(name, choices)),
        values.map(lambda value: Constant(name, value)),
    )


def discrete(name: str = "x") -> st.SearchStrategy[Parameter]:
    """Parameters with levels."""
    return st.one_of(integers(name), stepped(name), listed(name))


def parameters(name: str = "x") -> st.SearchStrategy[Parameter]:
    """Parameters of every kind."""
    return st.one_of(continuous(name), discrete(name))


def _literal(value: Value) -> bool:
    """Whether an expression can spell the value."""
    if isinstance(value, tuple):
        return all(_literal(item) for item in value)
    return not isinstance(value, float) or math.isfinite(value)


@st.composite
def _rule(draw: st.DrawFn, parameter: Parameter) -> str:
    """A condition on one parameter that holds in about half of its range."""
    name = parameter.name
    if isinstance(parameter, Float | Int):
        order = draw(st.sampled_from(["<=", ">"]))
        return f"{name} {order} {(parameter.low / 2 + parameter.high / 2)!r}"
    options = [parameter.value_of(i) for i in range(parameter.levels)]
    chosen = draw(st.lists(st.sampled_from(options), min_size=1))
    return f"{name} in {[value for value in chosen if _literal(value)]!r}"


@st.composite
def spaces(draw: st.DrawFn, *, constrained: bool = False) -> Space:
    """Spaces with chains of conditions, and if wanted a constraint."""
    count = draw(st.integers(1, 6))
    chosen = [draw(parameters(f"p{i}")) for i in range(count)]
    conditions = {}
    for i in range(1, count):
        if draw(st.booleans()):
            parent = chosen[draw(st.integers(0, i - 1))]
            conditions[f"p{i}"] = draw(_rule(parent))
    constraints = [draw(_rule(draw(st.sampled_from(chosen))))] if constrained else []
    order = draw(st.permutations(chosen))
    return Space(*order, conditions=conditions, constraints=constraints)
