"""Short forms of parameters, for spaces written as a mapping.

========================================  ==========================================
``"x": (0.0, 1.0)``                       `Float`, because a bound is a float
``"n": (1, 10)``                          `Int`
``"lr": (1e-5, 1e-1, "log-uniform")``     logarithmic; ``"uniform"`` is the default
``"batch_size": [16, 32, 64]``            `Ordinal`, because all items are numbers
``"solver": ["adam", "sgd"]``             `Categorical`
``"epochs": 10``                          `Constant`: a number, string, boolean or None
``"x": Float("x", 0.0, 1.0, step=0.1)``   itself; the names must agree
========================================  ==========================================
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fsopt.errors import SpaceError
from fsopt.space.checks import plain
from fsopt.space.parameters import Categorical, Constant, Float, Int, Ordinal, Parameter

_PRIORS = {"uniform": False, "log-uniform": True}


def parameters_from(given: Sequence[object]) -> tuple[Parameter, ...]:
    """The parameters of a space, from parameters or from one mapping of short forms.

    Raises:
        SpaceError: If there are none, a name repeats, or a short form can't be understood.
    """
    if len(given) == 1 and isinstance(given[0], Mapping):
        given = [_expanded(name, short) for name, short in given[0].items()]
    parameters: list[Parameter] = []
    names: set[str] = set()
    for parameter in given:
        if not isinstance(parameter, Parameter):
            raise SpaceError(
                f"a space is made of parameters such as Float('x', 0.0, 1.0), not {parameter!r}"
            )
        if parameter.name in names:
            raise SpaceError(f"there are two parameters with the name {parameter.name!r}")
        names.add(parameter.name)
        parameters.append(parameter)
    if not parameters:
        raise SpaceError("a space needs at least one parameter")
    return tuple(parameters)


def _expanded(name: str, short: object) -> Parameter:
    if isinstance(short, Parameter):
        if short.name != name:
            raise SpaceError(
                f"the parameter under the key {name!r} has the name {short.name!r}; "
                "the two must agree"
            )
        return short
    if isinstance(short, tuple):
        return _range(name, short)
    if isinstance(short, list):
        values = [plain(name, item) for item in short]
        if values and all(type(value) in (int, float) for value in values):
            return Ordinal(name, values)
        return Categorical(name, values)
    return Constant(name, plain(name, short))


def _range(name: str, short: tuple[object, ...]) -> Float | Int:
    if len(short) not in (2, 3):
        raise SpaceError(
            f"parameter {name!r}: {short!r} is no range; write (low, high) or "
            "(low, high, 'log-uniform'), or use a list for choices"
        )
    prior = short[2] if len(short) == 3 else "uniform"
    if not isinstance(prior, str) or prior not in _PRIORS:
        raise SpaceError(f"parameter {name!r}: the prior {prior!r} is none of {list(_PRIORS)}")
    low, high = (plain(name, bound) for bound in short[:2])
    for bound in (low, high):
        if type(bound) not in (int, float):
            raise SpaceError(
                f"parameter {name!r}: the bound {bound!r} of {short!r} is no number; "
                "use a list for choices"
            )
    if isinstance(low, int) and isinstance(high, int):
        return Int(name, low, high, log=_PRIORS[prior])
    return Float(name, low, high, log=_PRIORS[prior])  # type: ignore[arg-type]  # checked above
