"""Turns the syntax tree of an expression into closures over columns."""

from __future__ import annotations

import ast
import enum
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeAlias

import numpy as np

from fsopt.errors import ExpressionError, SpaceError
from fsopt.space import evaluation
from fsopt.space.checks import did_you_mean
from fsopt.space.evaluation import Column, Outcome
from fsopt.space.parameters import Float, Int, Parameter
from fsopt.values import Value, to_value

_FUNCTIONS: dict[str, np.ufunc] = {
    "abs": np.absolute,
    "min": np.minimum,
    "max": np.maximum,
    "round": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "sqrt": np.sqrt,
    "exp": np.exp,
    "log": np.log,
    "log2": np.log2,
    "log10": np.log10,
}

_ARITHMETIC: dict[type[ast.operator], np.ufunc] = {
    ast.Add: np.add,
    ast.Sub: np.subtract,
    ast.Mult: np.multiply,
    ast.Div: np.true_divide,
    ast.FloorDiv: np.floor_divide,
    ast.Mod: np.remainder,
    ast.Pow: np.power,
}

_ORDERS: dict[type[ast.cmpop], np.ufunc] = {
    ast.Lt: np.less,
    ast.LtE: np.less_equal,
    ast.Gt: np.greater,
    ast.GtE: np.greater_equal,
}

_ALLOWED = (
    "allowed are names of parameters, numbers, strings, tuples of these, True, False, None, "
    "comparisons, in, and, or, not, + - * / // % **, 'a if c else b', "
    f"and the functions {', '.join(_FUNCTIONS)}"
)

_WORDS: dict[type[ast.AST], str] = {
    ast.Attribute: "an attribute access",
    ast.Dict: "a dictionary",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.JoinedStr: "an f-string",
    ast.Lambda: "a lambda",
    ast.List: "a list that does not follow 'in'",
    ast.ListComp: "a comprehension",
    ast.NamedExpr: "an assignment",
    ast.Set: "a set that does not follow 'in'",
    ast.SetComp: "a comprehension",
    ast.Starred: "a * argument",
    ast.Subscript: "a subscript",
}


class Kind(enum.Enum):
    """What is known of values before any is seen."""

    NUMBER = "a number"
    TEXT = "a string"
    OTHER = "None or a tuple"
    MIXED = "of several types"


Columns: TypeAlias = Mapping[int, Column]


class Node(NamedTuple):
    """A compiled part of an expression."""

    kind: Kind
    run: Callable[[Columns], Outcome]


class Compiler:
    """Turns a syntax tree into closures, and notes the parameters that it mentions."""

    def __init__(self, text: str, parameters: Sequence[Parameter]) -> None:
        self.text = text
        self.mentioned: set[int] = set()
        self._parameters = parameters
        self._indices = {parameter.name: i for i, parameter in enumerate(parameters)}

    def compile(self, node: ast.expr) -> Node:
        """The closure of one node, whichever it is."""
        match node:
            case ast.Name():
                return self._name(node)
            case ast.Constant() | ast.Tuple():
                return self._literal(node)
            case ast.BoolOp():
                return self._logic(node)
            case ast.UnaryOp(op=ast.Not()):
                return self._not(node)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd()):
                return self._sign(node)
            case ast.BinOp():
                return self._arithmetic(node)
            case ast.Compare():
                return self._comparison(node)
            case ast.IfExp():
                return self._choice(node)
            case ast.Call():
                return self._call(node)
            case _:
                raise self._refuse(node)

    def _name(self, node: ast.Name) -> Node:
        index = self._indices.get(node.id)
        if index is None:
            names = ", ".join(self._indices)
            hint = did_you_mean(node.id, self._indices)
            what = f"there is no parameter {node.id!r}{hint} The parameters are: {names}"
            raise ExpressionError(f"{shortened(self.text)!r}: {what}")
        self.mentioned.add(index)
        kind = _kind_of_parameter(self._parameters[index])
        return Node(kind, lambda columns: evaluation.outcome_of(columns[index]))

    def _literal(self, node: ast.expr) -> Node:
        value = self._value(node)
        outcome = evaluation.literal(value)
        return Node(_kind_of(value), lambda columns: outcome)

    def _value(self, node: ast.expr) -> Value:
        """The value that is written here."""
        match node:
            case ast.Tuple():
                return tuple(self._value(item) for item in node.elts)
            case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=ast.Constant() as operand):
                number = self._value(operand)
                if isinstance(number, int | float):
                    return -number if isinstance(node.op, ast.USub) else +number
            case ast.Constant(value=None | bool() | int() | float() | str() as value):
                if isinstance(value, float) and not np.isfinite(value):
                    raise self._error(node, "the number is too large for a float64")
                try:
                    return to_value(value)
                except SpaceError as problem:
                    raise self._error(node, f"the number is too large: {problem}") from None
        if isinstance(node, ast.Constant):
            raise self._refuse(node)
        raise self._error(node, "lists and tuples consist of literals")

    def _logic(self, node: ast.BoolOp) -> Node:
        combine = evaluation.conjunction
        if isinstance(node.op, ast.Or):
            combine = evaluation.disjunction
        parts = [self.compile(value).run for value in node.values]

        return Node(
            Kind.NUMBER,
            lambda columns: functools.reduce(combine, [part(columns) for part in parts]),
        )

    def _not(self, node: ast.UnaryOp) -> Node:
        operand = self.compile(node.operand).run
        return Node(Kind.NUMBER, lambda columns: evaluation.negation(operand(columns)))

    def _sign(self, node: ast.UnaryOp) -> Node:
        sign = np.negative if isinstance(node.op, ast.USub) else np.positive
        return self._calculation(sign, node, [node.operand])

    def _arithmetic(self, node: ast.BinOp) -> Node:
        function = _ARITHMETIC.get(type(node.op))
        if function is None:
            raise self._refuse(node)
        return self._calculation(function, node, [node.left, node.right])

    def _calculation(
        self, function: np.ufunc, node: ast.expr, operands: Sequence[ast.expr]
    ) -> Node:
        """A function of one number, or one of two numbers folded over the operands."""
        runs: list[Callable[[Columns], Outcome]] = []
        for operand in operands:
            compiled = self.compile(operand)
            if compiled.kind in (Kind.TEXT, Kind.OTHER):
                raise self._error(node, f"there is no arithmetic with {compiled.kind.value}")
            runs.append(compiled.run)
        calculate = functools.partial(evaluation.calculate, function)
        if len(runs) == 1:
            return Node(Kind.NUMBER, lambda columns: calculate(runs[0](columns)))
        return Node(
            Kind.NUMBER,
            lambda columns: functools.reduce(calculate, [run(columns) for run in runs]),
        )

    def _comparison(self, node: ast.Compare) -> Node:
        """A chain such as ``a < b <= c``, whose operands are evaluated once."""
        operands = [self.compile(node.left)]
        relations: list[Callable[[Outcome, Outcome], Outcome]] = []
        for position, (operator, right) in enumerate(zip(node.ops, node.comparators, strict=True)):
            if isinstance(operator, ast.In | ast.NotIn):
                if position < len(node.ops) - 1:
                    raise self._error(node, "'in' can only end a chain of comparisons")
                relations.append(_membership(operator, self._options(right)))
            else:
                operands.append(self.compile(right))
                kinds = operands[-2].kind, operands[-1].kind
                relations.append(self._relation(node, operator, *kinds))
        runs = [operand.run for operand in operands]

        def run(columns: Columns) -> Outcome:
            values = [operand(columns) for operand in runs]
            nexts = [*values[1:], values[-1]]  # 'in', which comes last, has no other operand
            parts = [r(a, b) for r, a, b in zip(relations, values, nexts, strict=False)]
            return functools.reduce(evaluation.conjunction, parts)

        return Node(Kind.NUMBER, run)

    def _relation(
        self, node: ast.Compare, operator: ast.cmpop, left: Kind, right: Kind
    ) -> Callable[[Outcome, Outcome], Outcome]:
        if isinstance(operator, ast.Eq):
            return evaluation.equal
        if isinstance(operator, ast.NotEq):
            return lambda a, b: evaluation.negation(evaluation.equal(a, b))
        order = _ORDERS.get(type(operator))
        if order is None:
            raise self._error(node, "'is' is not allowed, write == or !=")
        if Kind.OTHER in (left, right) or {left, right} == {Kind.NUMBER, Kind.TEXT}:
            what = f"there is no order between {left.value} and {right.value}"
            raise self._error(node, what)
        return lambda a, b: evaluation.compare(order, a, b)

    def _options(self, node: ast.expr) -> tuple[Value, ...]:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return tuple(self._value(item) for item in node.elts)
        raise self._error(node, "after 'in' stands a list of literals")

    def _choice(self, node: ast.IfExp) -> Node:
        condition = self.compile(node.test).run
        then, otherwise = self.compile(node.body), self.compile(node.orelse)
        kind = then.kind if then.kind is otherwise.kind else Kind.MIXED
        a, b = then.run, otherwise.run
        return Node(
            kind, lambda columns: evaluation.choice(condition(columns), a(columns), b(columns))
        )

    def _call(self, node: ast.Call) -> Node:
        name = node.func.id if isinstance(node.func, ast.Name) else None
        function = _FUNCTIONS.get(name or "")
        if function is None or name is None:
            raise self._error(node.func, "no function can be called but those below")
        if node.keywords or any(isinstance(given, ast.Starred) for given in node.args):
            raise self._error(node, "a call takes plain arguments only")
        if function.nin == 1 and len(node.args) != 1:
            raise self._error(node, f"{name} takes one argument, not {len(node.args)}")
        if function.nin == 2 and len(node.args) < 2:
            raise self._error(node, f"{name} takes two arguments or more, not {len(node.args)}")
        return self._calculation(function, node, node.args)

    def _refuse(self, node: ast.AST) -> ExpressionError:
        what = _WORDS.get(type(node), "this")
        return self._error(node, f"{what} is not allowed")

    def _error(self, node: ast.AST, what: str) -> ExpressionError:
        source = ast.get_source_segment(self.text, node) or self.text
        return ExpressionError(
            f"{shortened(self.text)!r}: {what}, in {shortened(source)!r}; {_ALLOWED}"
        )


def _membership(
    operator: ast.In | ast.NotIn, options: tuple[Value, ...]
) -> Callable[[Outcome, Outcome], Outcome]:
    if isinstance(operator, ast.In):
        return lambda item, _: evaluation.contained(item, options)
    return lambda item, _: evaluation.negation(evaluation.contained(item, options))


def _kind_of_parameter(parameter: Parameter) -> Kind:
    if isinstance(parameter, Float | Int):
        return Kind.NUMBER
    kinds = {_kind_of(parameter.value_of(index)) for index in range(parameter.levels)}
    return kinds.pop() if len(kinds) == 1 else Kind.MIXED


def _kind_of(value: Value) -> Kind:
    if isinstance(value, int | float):
        return Kind.NUMBER
    return Kind.TEXT if isinstance(value, str) else Kind.OTHER


def shortened(text: str) -> str:
    """The beginning of a text, for a message."""
    return text if len(text) <= 80 else f"{text[:77]}..."
