"""A space as data: to and from JSON, and how two spaces differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from fsopt.errors import SpaceError
from fsopt.space.expressions import Expression
from fsopt.space.parameters import Categorical, Constant, Float, Int, Ordinal, Parameter
from fsopt.space.rules import MissingCallable, Predicate, Rule, rule_text
from fsopt.values import Json, from_json, to_json

if TYPE_CHECKING:
    from fsopt.space.space import Space

_KINDS: dict[str, type[Parameter]] = {
    kind.kind: kind for kind in (Float, Int, Categorical, Ordinal, Constant)
}


class Description(NamedTuple):
    """What a space is made from."""

    parameters: list[Parameter]
    conditions: dict[str, str | Predicate]
    constraints: list[str | Predicate]


def describe(space: Space) -> dict[str, Json]:
    """The space as JSON; of a callable only the name is kept."""
    return {
        "parameters": [_parameter_to_json(parameter) for parameter in space.parameters],
        "conditions": {name: _rule_to_json(rule) for name, rule in space.conditions.items()},
        "constraints": [_rule_to_json(rule) for rule in space.constraints],
    }


def read(data: object) -> Description:
    """What `describe` wrote, with a `MissingCallable` for each callable.

    Raises:
        SpaceError: If the data describe no space.
    """
    if not isinstance(data, Mapping):
        raise SpaceError(f"a space is described by an object, not {data!r}")
    parameters = data.get("parameters")
    conditions = data.get("conditions", {})
    constraints = data.get("constraints", [])
    if (
        not isinstance(parameters, list)
        or not isinstance(conditions, Mapping)
        or not isinstance(constraints, list)
    ):
        raise SpaceError("a space is described by parameters, conditions and constraints")
    return Description(
        [_parameter_from_json(item) for item in parameters],
        {name: _rule_from_json(rule) for name, rule in conditions.items()},
        [_rule_from_json(rule) for rule in constraints],
    )


def difference(study: Space, here: Space) -> str | None:
    """The first difference between a study's space and the one described here, or None."""
    ours = {parameter.name: parameter for parameter in here.parameters}
    for parameter in study.parameters:
        if parameter.name not in ours:
            return f"parameter {parameter.name!r} is in the study and not here"
        found = _parameter_difference(parameter, ours[parameter.name])
        if found:
            return found
    for name in here.names:
        if name not in study.names:
            return f"parameter {name!r} is here and not in the study"
    if study.names != here.names:
        theirs, mine = ", ".join(study.names), ", ".join(here.names)
        return f"the parameters are in the order {theirs} in the study and {mine} here"
    return _rules_difference(study, here)


def code_of(space: Space) -> str:
    """The space as its user may have written it."""
    lines = [_parameter_code(parameter) for parameter in space.parameters]
    if space.conditions:
        conditions = {name: rule_text(rule) for name, rule in space.conditions.items()}
        lines.append(f"conditions={conditions}")
    if space.constraints:
        lines.append(f"constraints={[rule_text(rule) for rule in space.constraints]}")
    return "Space(\n" + "".join(f"    {line},\n" for line in lines) + ")"


def _parameter_code(parameter: Parameter) -> str:
    options = _options(parameter)
    keywords = {name: options.pop(name) for name in ("log", "step", "prior") if name in options}
    written = [repr(value) for value in options.values()]
    written += [f"{name}={value!r}" for name, value in keywords.items() if value]
    return f"{type(parameter).__name__}({', '.join(written)})"


def _parameter_difference(study: Parameter, here: Parameter) -> str | None:
    if type(study) is not type(here):
        kinds = type(study).__name__, type(here).__name__
        return f"parameter {study.name!r} is of kind {kinds[0]} in the study and {kinds[1]} here"
    mine = _options(here)
    for option, value in _options(study).items():
        if repr(value) != repr(mine[option]):  # 1, 1.0 and True differ
            where = f"{value!r} in the study and {mine[option]!r} here"
            return f"parameter {study.name!r}: {option} is {where}"
    return None


def _rules_difference(study: Space, here: Space) -> str | None:
    for name in study.names:
        theirs, mine = (_shown(space.conditions.get(name)) for space in (study, here))
        if theirs != mine:
            return f"the condition of {name!r} is {theirs} in the study and {mine} here"
    theirs_all, mine_all = ([_shown(rule) for rule in s.constraints] for s in (study, here))
    for constraint in theirs_all:
        if constraint not in mine_all:
            return f"the constraint {constraint} is in the study and not here"
    for constraint in mine_all:
        if constraint not in theirs_all:
            return f"the constraint {constraint} is here and not in the study"
    return None


def _shown(rule: Rule | None) -> str:
    if rule is None:
        return "absent"
    text = rule_text(rule)
    return repr(text) if isinstance(rule, Expression) else f"the function {text!r}"


def _options(parameter: Parameter) -> dict[str, Any]:
    """What the parameter was made from."""
    return {f.name: getattr(parameter, f.name) for f in dataclasses.fields(parameter) if f.init}


def _rule_to_json(rule: Rule) -> Json:
    text = rule_text(rule)
    return text if isinstance(rule, Expression) else {"callable": text}


def _rule_from_json(data: object) -> str | Predicate:
    if isinstance(data, str):
        return data
    if isinstance(data, dict) and data.keys() == {"callable"}:
        return MissingCallable(str(data["callable"]))
    raise SpaceError(f"{data!r} describes no condition or constraint")


def _parameter_to_json(parameter: Parameter) -> Json:
    options = {name: to_json(value) for name, value in _options(parameter).items()}
    if options.get("prior", 0) is None:
        del options["prior"]  # which older versions do not know
    return {"kind": parameter.kind, **options}


def _parameter_from_json(data: object) -> Parameter:
    kind = _KINDS.get(str(data.get("kind"))) if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or kind is None:
        raise SpaceError(f"{data!r} describes no parameter; kinds are {', '.join(_KINDS)}")
    try:
        options: dict[str, Any] = {k: from_json(v) for k, v in data.items() if k != "kind"}
        return kind(**options)
    except SpaceError:
        raise
    except (TypeError, ValueError) as problem:
        raise SpaceError(f"{data!r} describes no parameter: {problem}") from None
