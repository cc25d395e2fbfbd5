from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.errors import ExpressionError
from fsopt.space import Categorical, Constant, Expression, Float, Int, Ordinal
from fsopt.space.expressions import MAX_DEPTH, MAX_LENGTH

X = [-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0]
PARAMETERS = [
    Float("x", -2, 3),
    Int("n", 0, 4),
    Ordinal("size", [1, 2, 4, 0.5]),
    Categorical("flag", [True, False]),
    Categorical("c", ["a", "b", ""]),
    Categorical("m", [1, "auto", None, (3, 3), 2.5]),
    Constant("k", 2),
]
NAMES = [parameter.name for parameter in PARAMETERS]
rows = st.tuples(
    st.sampled_from(X),
    st.integers(0, 4),
    st.integers(0, 3),
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(0, 4),
    st.just(0),
)


class NoValueError(Exception):
    """An operation has no finite result."""


# --- a plain interpreter of one row, to compare with -------------------------------------------

ARITHMETIC: dict[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: lambda a, b: np.power(np.array([a]), b)[0],
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
COMPARISONS: dict[type[ast.AST], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
}
FUNCTIONS: dict[str, Callable[..., float]] = {
    "abs": abs,
    "min": min,
    "max": max,
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "exp": lambda a: np.exp(np.array([a]))[0],
    "log": lambda a: np.log(np.array([a]))[0],
    "log2": lambda a: np.log2(np.array([a]))[0],
    "log10": lambda a: np.log10(np.array([a]))[0],
}


def calculated(function: Callable[..., float], operands: list[Any]) -> float:
    for operand in operands:
        if not isinstance(operand, int | float):
            raise TypeError(operand)
    try:
        with np.errstate(all="ignore"):
            result = float(function(*map(float, operands)))
    except (ArithmeticError, ValueError):
        raise NoValueError from None
    if not math.isfinite(result):
        raise NoValueError
    return result


def meaning(node: ast.expr, params: Mapping[str, Any]) -> Any:
    """What Python would make of the expression."""
    match node:
        case ast.Name(id=name):
            return params[name]
        case ast.Constant(value=value):
            return value
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items):
            return tuple(meaning(item, params) for item in items)
        case ast.BoolOp(op=op, values=parts):
            combine = all if isinstance(op, ast.And) else any
            return combine(meaning(part, params) for part in parts)
        case ast.UnaryOp(op=op, operand=operand):
            value = meaning(operand, params)
            if isinstance(op, ast.Not):
                return not value
            return calculated(ARITHMETIC[type(op)], [value])
        case ast.BinOp(left=left, op=op, right=right):
            operands = [meaning(left, params), meaning(right, params)]
            return calculated(ARITHMETIC[type(op)], operands)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return meaning(body if meaning(test, params) else orelse, params)
        case ast.Call(func=ast.Name(id=name), args=arguments):
            return calculated(FUNCTIONS[name], [meaning(item, params) for item in arguments])
        case ast.Compare(left=left, ops=ops, comparators=others):
            return compared(meaning(left, params), ops, others, params)
    raise AssertionError(ast.dump(node))


def compared(value: Any, ops: list[ast.cmpop], others: list[ast.expr], params: Any) -> bool:
    for op, other in zip(ops, others, strict=True):
        following = meaning(other, params)
        if not COMPARISONS[type(op)](value, following):
            return False
        value = following
    return True


def reference(text: str, params: Mapping[str, Any]) -> bool:
    try:
        return bool(meaning(ast.parse(text, mode="eval").body, params))
    except NoValueError:
        return False


# --- random expressions -------------------------------------------------------------------------

numeric_names = st.sampled_from(["x", "n", "size", "flag", "k"])
numeric_literals = st.sampled_from(["0", "1", "2", "-1", "0.5", "3", "True", "1e3", "700"])
arithmetic = st.sampled_from(["+", "-", "*", "/", "//", "%", "**"])
orders = st.sampled_from(["<", "<=", ">", ">=", "==", "!="])


def _numbers(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    unary = st.sampled_from(list(FUNCTIONS.keys() - {"min", "max"}))
    return st.one_of(
        st.builds("({} {} {})".format, inner, arithmetic, inner),
        st.builds("{}({})".format, unary, inner),
        st.builds("{}({}, {}, {})".format, st.sampled_from(["min", "max"]), inner, inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("(+{})".format, inner),
        st.builds("({} if {} {} {} else {})".format, inner, inner, orders, inner, inner),
    )


numbers = st.recursive(st.one_of(numeric_names, numeric_literals), _numbers, max_leaves=6)
comparisons = st.one_of(
    st.builds("{} {} {}".format, numbers, orders, numbers),
    st.builds("{} {} {} {} {}".format, numbers, orders, numbers, orders, numbers),
    st.builds("{} in [0, 1, 'a', -2, (3, 3)]".format, numbers),
    st.builds("{} {} {} not in (1, 2)".format, numbers, orders, numbers),
    st.builds("c {} {}".format, orders, st.sampled_from(["'a'", "'b'", "''", "c"])),
    st.builds("{} {} {}".format, st.sampled_from("cmx"), st.sampled_from(["==", "!="]),
              st.sampled_from(["'a'", "'auto'", "None", "1", "(3, 3)", "m", "c", "x", "2.5"])),
    st.builds("{} {} {}".format, st.sampled_from("cm"), st.sampled_from(["in", "not in"]),
              st.sampled_from(["['a', 1]", "{'auto', 2.5}", "((3, 3), None)", "()"])),
    st.sampled_from(["m < 2", "m + 1 > 2", "c >= m", "m", "c", "flag", "n", "'' if n else c"]),
    st.sampled_from(["(m if n else c) == 'a'", "(c if flag else x) != 1"]),
    st.sampled_from(["(m if n > 2 else 1) < 2"]),
)  # fmt: skip


def _logic(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({}) or ({})".format, inner, inner, inner),
        st.builds("not ({})".format, inner),
        st.builds("({}) if ({}) else ({})".format, inner, inner, inner),
        st.builds("({}) == ({})".format, inner, inner),
    )


expressions = st.recursive(comparisons, _logic, max_leaves=5)


@given(expressions, st.lists(rows, min_size=1, max_size=8))
def test_columns_give_what_python_gives_row_by_row(text, some):
    table = np.array(some, dtype=float)
    expected, mixed_up = [], False
    for row in table:
        params = {p.name: p.value_of(v) for p, v in zip(PARAMETERS, row, strict=True)}
        try:
            expected.append(reference(text, params))
        except TypeError:
            mixed_up = True
    expression = Expression(text, PARAMETERS)
    if mixed_up:
        with pytest.raises(ExpressionError, match="types that do not fit together when"):
            expression.holds(table)
    else:
        assert expression.holds(table).tolist() == expected


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("1 / x > 0", 0.0, False),
        ("not 1 / x > 0", 0.0, False),
        ("x == 0 or 1 / x > 0", 0.0, True),
        ("x != 0 and 1 / x > 0", 0.0, False),
        ("not (x != 0 and 1 / x > 0)", 0.0, True),
        ("1 / x > 0 or x == 0", 0.0, False),
        ("not (1 / x > 0 and x > 0)", 0.0, False),
        ("(1 if x == 0 else 1 / x) == 1", 0.0, True),
        ("2 > x > 1 / x", 3.0, False),
        ("log(x) < 0", -1.0, False),
        ("sqrt(x) < 9", -1.0, False),
        ("x ** 0.5 < 9", -1.0, False),
        ("exp(1000 * x) > 0", 2.0, False),
        ("9 ** 9 ** 9 ** 9 ** 9 > 0", 1.0, False),
        ("x % 0 == 0", 1.0, False),
        ("-7 // 2 == -4 and -7 % 3 == 2", 1.0, True),
        ("round(2.5) == 2 and round(3.5) == 4", 1.0, True),
        ("-2 ** 2 == -4", 1.0, True),
        ("True", 1.0, True),
        ("0", 1.0, False),
        ("'text'", 1.0, True),
        ("  x > 0  ", 1.0, True),
        ("x in [1, 2] and x not in (3, 4)", 1.0, True),
        ("x in []", 1.0, False),
    ],
)
def test_an_operation_without_a_finite_result_is_false_unless_python_would_skip_it(
    text, x, expected
):
    assert Expression(text, [Float("x", -5, 5)]).holds(np.array([[x]])).tolist() == [expected]


def test_the_columns_of_an_expression_are_the_parameters_that_it_names():
    expression = Expression("x > 0 and (c == 'k' or min(n, 2) < 1)", PARAMETERS)
    assert [NAMES[i] for i in expression.columns] == ["x", "n", "c"]
    assert Expression("1 < 2", PARAMETERS).columns == ()


def test_no_rows_give_no_answers():
    assert Expression("x > 0 and c == 'a'", PARAMETERS).holds(np.empty((0, 7))).shape == (0,)


def test_a_parameter_may_have_the_name_of_a_function():
    expression = Expression("min(min, 3) == 2", [Int("min", 1, 5)])
    assert expression.holds(np.array([[2.0], [3.0]])).tolist() == [True, False]


MALICIOUS = [
    ("__import__('os').system('true')", "no function can be called but those below"),
    ("__import__('os')", "no function can be called"),
    ("eval('1')", "no function can be called"),
    ("open('f')", "no function can be called"),
    ("x.__class__", "an attribute access is not allowed"),
    ("(1).real", "an attribute access"),
    ("'a'.join(c)", "no function can be called"),
    ("lambda: x", "a lambda"),
    ("(lambda: x)()", "no function can be called"),
    ("[y for y in c]", "a comprehension"),
    ("{y for y in c}", "a comprehension"),
    ("{y: 1 for y in c}", "a comprehension"),
    ("max(1, (y for y in c))", "a comprehension"),
    ("f'{x}'", "an f-string"),
    ("(y := 3)", "an assignment"),
    ("x = 3", "is no expression"),
    ("import os", "is no expression"),
    ("x; x", "is no expression"),
    ("x\nx", "is no expression"),
    ("c[0]", "a subscript"),
    ("m[0:2]", "a subscript"),
    ("{'a': 1}", "a dictionary"),
    ("[1, 2] == x", "a list that does not follow 'in'"),
    ("{1} == x", "a set that does not follow 'in'"),
    ("await x", "not allowed"),
    ("(yield x)", "not allowed"),
    ("abs(*c)", "a call takes plain arguments only"),
    ("max(1, key=x)", "a call takes plain arguments only"),
    ("x is None", "write == or !="),
    ("x is not None", "write == or !="),
    ("x & 1", "not allowed"),
    ("x << 1", "not allowed"),
    ("x @ x", "not allowed"),
    ("~n", "not allowed"),
    ("1j == x", "not allowed"),
    ("b'a' == c", "not allowed"),
    ("... == c", "not allowed"),
]
MISTAKES = [
    ("", "is no expression"),
    ("x >", "is no expression"),
    ("x > 0\x00", "is no expression"),
    ("lr > 0", "there is no parameter 'lr'. The parameters are: x, n, size"),
    ("sise > 0", "there is no parameter 'sise'; did you mean 'size'?"),
    ("abs > 0", "there is no parameter 'abs'"),
    ("abs(x, n) > 0", "abs takes one argument, not 2"),
    ("log(x, 2) > 0", "log takes one argument, not 2"),
    ("sqrt() > 0", "sqrt takes one argument, not 0"),
    ("min(x) > 0", "min takes two arguments or more, not 1"),
    ("c < 1", "there is no order between a string and a number"),
    ("x >= 'a'", "there is no order between a number and a string"),
    ("x < None", "there is no order between a number and None or a tuple"),
    ("(1, 2) < (3, 4)", "there is no order"),
    ("0 < c < 'b'", "there is no order"),
    ("c + 'a' == 'aa'", "there is no arithmetic with a string"),
    ("-c == 1", "there is no arithmetic with a string"),
    ("'%s' % x", "there is no arithmetic with a string"),
    ("max(c, 1) == 1", "there is no arithmetic with a string"),
    ("None + 1 == 1", "there is no arithmetic with None or a tuple"),
    ("c in 'abc'", "after 'in' stands a list of literals"),
    ("c in m", "after 'in' stands a list of literals"),
    ("x in [n]", "lists and tuples consist of literals"),
    ("x in [[1]]", "lists and tuples consist of literals"),
    ("x in [-'a']", "lists and tuples consist of literals"),
    ("m == (x, 1)", "lists and tuples consist of literals"),
    ("x in [1] == True", "'in' can only end a chain"),
    ("x < 1e999", "the number is too large"),
    ("x < 99999999999999999999", "the number is too large"),
]


@pytest.mark.parametrize(("text", "message"), MALICIOUS + MISTAKES)
def test_anything_else_is_refused_with_a_reason(text, message):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, PARAMETERS)
    assert message in str(caught.value)


def nested(before: str, after: str, depth: int = 2000) -> str:
    return before * depth + "x" + after * depth


@pytest.mark.parametrize(
    "text",
    [
        nested("(", ")"),
        nested("-", ""),
        nested("not ", ""),
        nested("", "+x"),
        nested("", "**x"),
        nested("abs(", ")"),
        nested("1 if 1 else ", "", 800),
        nested("", " in [1]", 50) + nested("(", ")", 150),
        "9" * 5000,
        "9" * 9000 + " ** " + "9" * 900,
        nested("x and (", ")", 1000),
        "(" * MAX_LENGTH,
        "x" * (MAX_LENGTH + 1),
        "x == '" + "a" * MAX_LENGTH + "'",
    ],
    ids=lambda text: f"{text[:20]}...",
)
def test_monstrous_text_is_refused_at_once(text):
    with pytest.raises(ExpressionError) as caught:
        Expression(text, PARAMETERS)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize(
    ("before", "after"), [("(", " in [1])"), ("(0 <= ", " <= 1)"), ("(1 if 1 else ", ")")]
)
def test_the_work_grows_with_the_length_of_the_text_and_not_with_powers_of_its_depth(
    before, after
):
    text = nested(before, after, MAX_DEPTH // 2 - 2)
    assert Expression(text, PARAMETERS).holds(np.zeros((1, 7))).shape == (1,)


def test_a_parameter_named_like_a_word_of_python_gets_a_hint():
    with pytest.raises(ExpressionError, match="'lambda' is a word of Python's own"):
        Expression("lambda > 0.1", [Float("lambda", 0, 1)])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m in [1, 2.5] and m < 2", [True, False, False, False, False]),
        ("m not in [1, 2.5] or m < 2", [True, True, True, True, False]),
        ("(m if m == 1 or m == 2.5 else 0) < 2", [True, True, True, True, False]),
        ("1 / (x - x) + m > 0", [False] * 5),
    ],
)
def test_what_python_would_not_reach_does_not_matter(text, expected):
    table = np.zeros((5, 7))
    table[:, 5] = range(5)
    assert Expression(text, PARAMETERS).holds(table).tolist() == expected


def test_values_of_types_that_do_not_fit_are_reported_with_an_example():
    expression = Expression("m < 2 and x > 0", PARAMETERS)
    table = np.zeros((3, 7))
    table[1, 5] = 1
    with pytest.raises(ExpressionError, match=r"when x = 0\.0, m = 'auto'"):
        expression.holds(table)


def test_at_the_end_of_the_stack_an_expression_is_refused_and_not_a_recursion_error():
    def dive() -> None:
        try:
            dive()
        except RecursionError:  # each caller has one more frame to spare
            Expression(nested("(0 <= ", " <= 1)", MAX_DEPTH // 2 - 2), PARAMETERS)

    with pytest.raises(ExpressionError, match="nested too deeply"):
        dive()
