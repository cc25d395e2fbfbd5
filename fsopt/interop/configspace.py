"""Spaces from ConfigSpace, and for it."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from fsopt.errors import MissingExtraError, SpaceError
from fsopt.space import Categorical, Constant, Float, Int, Ordinal, Space
from fsopt.space.parameters import Parameter
from fsopt.space.sampling import sample
from fsopt.streams import stream
from fsopt.values import Value

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

_MOST_STEPS = 10_000

_COMPARISONS: Mapping[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
_NEGATED = {"==": "!=", "<": ">=", ">": "<=", "in": "not in"}
_NEGATED |= {value: key for key, value in _NEGATED.items()}
_MIRRORED = {"==": "==", "!=": "!=", "<": ">", ">": "<", "<=": ">=", ">=": "<="}


def from_configspace(given: ConfigurationSpace) -> Space:
    """A space from one of ConfigSpace: parameters, conditions, and what is forbidden.

    Distributions other than uniform ones, weights of choices and defaults are left out.

    Raises:
        SpaceError: If a parameter or a rule is of a kind that is not known.
    """
    conditions: dict[str, str] = {}
    for rule in given.conditions:
        known, text = conditions.get(rule.child.name), _condition_text(rule)
        conditions[rule.child.name] = f"({known}) and ({text})" if known else text
    return Space(
        *(_parameter(one) for one in given.values()),
        conditions=conditions,
        constraints=[f"not ({_forbidden_text(rule)})" for rule in given.forbidden_clauses],
    )


def to_configspace(space: Space, seed: int | None = None) -> ConfigurationSpace:
    """A ConfigurationSpace with the same configurations.

    Numbers with a step become ordinals. Conditions and constraints may compare one parameter with
    values, and constraints also two parameters, joined by ``and``, ``or`` and ``not``.

    Args:
        space: The space.
        seed: Of the ConfigurationSpace.

    Raises:
        MissingExtraError: If ConfigSpace is not installed.
        SpaceError: If a rule is a function, or calculates.
    """
    package = _package()
    made: ConfigurationSpace = package.ConfigurationSpace(seed=seed)
    # The default configuration must be none that is forbidden, so it is one that is drawn.
    default = space.from_row(space.from_unit(sample(space, 1, stream(0, "default", 0)))[0])
    made.add([_hyperparameter(package, one, default.get(one.name)) for one in space.parameters])
    for name, rule in space.conditions.items():
        made.add(_Rules(package, made, _text(rule)).condition(name))
    for constraint in space.constraints:
        made.add(_Rules(package, made, _text(constraint)).forbidden())
    return made


def _package() -> Any:
    try:
        import ConfigSpace
    except ImportError as error:
        raise MissingExtraError(
            "ConfigSpace is not installed; pip install 'fsopt[configspace]'"
        ) from error
    return ConfigSpace


def _parameter(given: Any) -> Parameter:
    kind, name = type(given).__name__, str(given.name)
    if kind.endswith("FloatHyperparameter"):
        return Float(name, float(given.lower), float(given.upper), log=bool(given.log))
    if kind.endswith("IntegerHyperparameter"):
        return Int(name, int(given.lower), int(given.upper), log=bool(given.log))
    if kind == "CategoricalHyperparameter":
        return Categorical(name, [_plain(choice) for choice in given.choices])
    if kind == "OrdinalHyperparameter":
        return Ordinal(name, [_plain(level) for level in given.sequence])
    if kind in ("Constant", "UnParametrizedHyperparameter"):
        return Constant(name, _plain(given.value))
    raise SpaceError(f"the parameter {name!r} is a {kind}, which is not known")


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _condition_text(rule: Any) -> str:
    kind = type(rule).__name__
    if kind.endswith("Conjunction"):
        word = " and " if kind.startswith("And") else " or "
        return word.join(f"({_condition_text(one)})" for one in rule.components)
    parent = rule.parent
    if kind == "InCondition":
        return f"{parent.name} in {[_plain(value) for value in rule.values]!r}"
    operator = {
        "EqualsCondition": "==",
        "NotEqualsCondition": "!=",
        "LessThanCondition": "<",
        "GreaterThanCondition": ">",
    }.get(kind)
    if operator is None:
        raise SpaceError(f"the condition {rule} is a {kind}, which is not known")
    return _comparison_text(parent, operator, _plain(rule.value))


def _forbidden_text(rule: Any) -> str:
    kind = type(rule).__name__
    if kind.endswith("Conjunction"):
        word = " and " if "And" in kind else " or "
        return word.join(f"({_forbidden_text(one)})" for one in rule.components)
    name = kind.removeprefix("Forbidden").removesuffix("Clause").removesuffix("Relation")
    if name == "In":
        return f"{rule.hyperparameter.name} in {[_plain(value) for value in rule.values]!r}"
    operator = {
        "Equals": "==",
        "LessThan": "<",
        "LessThanEquals": "<=",
        "GreaterThan": ">",
        "GreaterThanEquals": ">=",
    }.get(name)
    if operator is None:
        raise SpaceError(f"what is forbidden by {rule} is a {kind}, which is not known")
    if kind.endswith("Relation"):
        return f"{rule.left.name} {operator} {rule.right.name}"
    return _comparison_text(rule.hyperparameter, operator, _plain(rule.value))


def _comparison_text(parent: Any, operator: str, value: Any) -> str:
    """A comparison; the levels of an ordinal are compared by their order, whatever they are."""
    if type(parent).__name__ == "OrdinalHyperparameter" and operator not in ("==", "!="):
        levels = [_plain(level) for level in parent.sequence]
        return f"{parent.name} in {_levels(levels, operator, value)!r}"
    return f"{parent.name} {operator} {value!r}"


def _levels(levels: Sequence[Any], operator: str, value: Any) -> list[Any]:
    at = levels.index(value)
    chosen = {
        "==": levels[at : at + 1],
        "!=": [*levels[:at], *levels[at + 1 :]],
        "<": levels[:at],
        "<=": levels[: at + 1],
        ">": levels[at + 1 :],
        ">=": levels[at:],
    }[operator]
    return list(chosen)


def _hyperparameter(package: Any, parameter: Parameter, default: Value) -> Any:
    """A parameter of ConfigSpace; None stands for a default that it chooses itself."""
    name = parameter.name
    if isinstance(parameter, Float | Int) and parameter.step is not None:
        if (parameter.levels or 0) > _MOST_STEPS:
            raise SpaceError(f"{name!r} has {parameter.levels} steps, too many for an ordinal")
        return _ordinal(package, name, _values(parameter), default)
    if isinstance(parameter, Float | Int):
        kind = package.Float if isinstance(parameter, Float) else package.Integer
        limits = (parameter.low, parameter.high)
        return kind(name, limits, log=parameter.log, default=default)
    if isinstance(parameter, Categorical):
        chosen = parameter.choices[0] if default is None else default
        return package.Categorical(name, list(parameter.choices), default=chosen)
    if isinstance(parameter, Ordinal):
        return _ordinal(package, name, list(parameter.values), default)
    return package.Constant(name, parameter.value)


def _ordinal(package: Any, name: str, levels: list[Any], default: Value) -> Any:
    chosen = levels[0] if default is None else default
    return package.OrdinalHyperparameter(name, levels, default_value=chosen)


def _values(parameter: Float | Int) -> list[Any]:
    import numpy as np

    numbers = parameter.at_levels(np.arange(float(parameter.levels or 0)))
    return [parameter.value_of(float(number)) for number in numbers]


def _text(rule: object) -> str:
    text = getattr(rule, "text", None)
    if not isinstance(text, str):
        raise SpaceError(f"{rule!r} is a function, which ConfigSpace can't be told")
    return text


class _Rules:
    """Turns the text of one expression into conditions or into what is forbidden."""

    def __init__(self, package: Any, made: Any, text: str) -> None:
        self._package, self._made, self._expression = package, made, text
        self._tree = ast.parse(text.strip(), mode="eval").body

    def condition(self, child: str) -> Any:
        """When a parameter is active."""
        return self._joined(self._tree, False, partial(self._condition, child), "{}Conjunction")

    def forbidden(self) -> Any:
        """What must not be, where the expression says what must be."""
        return self._joined(self._tree, True, self._forbidden, "Forbidden{}Conjunction")

    def _joined(
        self, node: ast.expr, negated: bool, make: Callable[[ast.expr, bool], Any], kind: str
    ) -> Any:
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._joined(node.operand, not negated, make, kind)
        if isinstance(node, ast.BoolOp):
            # Not (a and b) is (not a) or (not b).
            word = "And" if isinstance(node.op, ast.And) is not negated else "Or"
            parts = [self._joined(one, negated, make, kind) for one in node.values]
            return getattr(self._package, kind.format(word))(*parts)
        return make(node, negated)

    def _condition(self, child: str, node: ast.expr, negated: bool) -> Any:
        parent, operator, value = self._compared(node, negated)
        if isinstance(value, ast.Name):
            raise self._refused()
        package, of = self._package, (self._made[child], parent)
        given = ast.literal_eval(value)
        values = _chosen(parent, operator, given)
        if values is None and operator == "not in":
            raise self._refused()
        if values is not None:
            return package.InCondition(*of, values)
        if operator in ("==", "!="):
            equal = package.EqualsCondition if operator == "==" else package.NotEqualsCondition
            return equal(*of, given)
        strict = package.LessThanCondition if "<" in operator else package.GreaterThanCondition
        if "=" not in operator:
            return strict(*of, given)
        return package.OrConjunction(strict(*of, given), package.EqualsCondition(*of, given))

    def _forbidden(self, node: ast.expr, negated: bool) -> Any:
        parameter, operator, value = self._compared(node, negated)
        names = {
            "==": "Equals",
            "<": "LessThan",
            "<=": "LessThanEquals",
            ">": "GreaterThan",
            ">=": "GreaterThanEquals",
        }
        if isinstance(value, ast.Name):
            if operator not in names:
                raise self._refused()
            other = self._made[value.id]
            return getattr(self._package, f"Forbidden{names[operator]}Relation")(parameter, other)
        given = ast.literal_eval(value)
        values = _chosen(parameter, operator, given)
        if values is None and operator == "not in":
            raise self._refused()
        if values is not None:
            return self._package.forbidden.ForbiddenInClause(parameter, values)
        if operator == "!=":
            below = self._package.ForbiddenLessThanClause(parameter, given)
            above = self._package.ForbiddenGreaterThanClause(parameter, given)
            return self._package.ForbiddenOrConjunction(below, above)
        return getattr(self._package, f"Forbidden{names[operator]}Clause")(parameter, given)

    def _compared(self, node: ast.expr, negated: bool) -> tuple[Any, str, ast.expr]:
        """The parameter, the operator, and what it is compared with."""
        if not isinstance(node, ast.Compare) or len(node.ops) != 1:
            raise self._refused()
        operator, left, right = _COMPARISONS.get(type(node.ops[0])), node.left, node.comparators[0]
        if not isinstance(left, ast.Name) and operator in _MIRRORED:
            left, right, operator = right, left, _MIRRORED[operator]
        if operator is None or not isinstance(left, ast.Name) or not _is_plain(right):
            raise self._refused()
        return self._made[left.id], _NEGATED[operator] if negated else operator, right

    def _refused(self) -> SpaceError:
        return SpaceError(
            f"ConfigSpace can't be told {self._expression!r}; it knows comparisons of a parameter "
            "with values, joined by and, or and not"
        )


def _is_plain(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return True
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _chosen(parent: Any, operator: str, given: Any) -> list[Any] | None:
    """The values of a parameter that a comparison allows, where they can be listed."""
    listed = getattr(parent, "choices", getattr(parent, "sequence", None))
    if listed is None:
        if operator != "not in" or not type(parent).__name__.endswith("IntegerHyperparameter"):
            return list(given) if operator == "in" else None
        listed = range(parent.lower, parent.upper + 1)
    levels = [_plain(value) for value in listed]
    if operator in ("in", "not in"):
        return [level for level in levels if (level in given) is (operator == "in")]
    numbers = all(isinstance(level, int | float) for level in levels)
    if operator not in ("==", "!=") and numbers:
        tests: dict[str, Callable[[Any], bool]] = {
            "<": lambda level: level < given,
            "<=": lambda level: level <= given,
            ">": lambda level: level > given,
            ">=": lambda level: level >= given,
        }
        return [level for level in levels if tests[operator](level)]
    return None if operator == "==" else _levels(levels, operator, given)
