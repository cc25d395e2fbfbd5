"""Conditions and constraints as text: a small part of Python's expressions, never executed.

The text is parsed into Python's syntax tree, of which only a few node types are accepted, and
compiled into closures that work on whole columns (`fsopt.space.compiler`).
"""

from __future__ import annotations

import ast
import keyword
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import ExpressionError
from fsopt.space import evaluation
from fsopt.space.compiler import Compiler, shortened
from fsopt.space.evaluation import Column
from fsopt.space.parameters import Float, Int, Parameter
from fsopt.space.scales import FloatArray

MAX_LENGTH = 10_000
"""The longest text of an expression, in characters."""

MAX_DEPTH = 100
"""How deep an expression may be nested; Python reads ``a + b + c`` as ``(a + b) + c``."""


class Expression:
    """A condition or constraint on parameters.

    An expression consists of names of parameters, numbers, strings, tuples, ``True``, ``False``
    and ``None``; comparisons, ``in`` a list of literals, ``and``, ``or``, ``not``;
    ``+ - * / // % **``; ``a if c else b``; and the functions abs, min, max, round, floor, ceil,
    sqrt, exp, log, log2 and log10. It means what it means in Python, except that all numbers are
    float64, that ``and`` and ``or`` give booleans, and that where an operation has no finite
    result (a division by zero, an overflow) the expression is false.

    Args:
        text: The expression.
        parameters: The parameters that it may name, in the order of a row's columns.

    Raises:
        ExpressionError: If the text is no such expression.
    """

    __slots__ = ("_parameters", "_run", "columns", "text")

    def __init__(self, text: str, parameters: Sequence[Parameter]) -> None:
        self.text = text.strip()
        compiler = Compiler(self.text, parameters)
        try:
            self._run = compiler.compile(_parse(self.text, parameters)).run
        except RecursionError:  # the caller left too few frames
            raise _too_deep(self.text) from None
        self._parameters = tuple(parameters)
        self.columns = tuple(sorted(compiler.mentioned))

    def holds(self, rows: FloatArray) -> NDArray[np.bool_]:
        """Where the expression is true.

        Args:
            rows: (n, d) Rows in which the parameters that the expression names are active.

        Returns:
            (n,) True where the expression is true, False where it is false or has no value.

        Raises:
            ExpressionError: If values without an order, or that are no numbers, would have to be
                compared or computed with.
        """
        with np.errstate(all="ignore"):
            outcome = self._run({i: self._values(rows, i) for i in self.columns})
        mistaken = np.broadcast_to(outcome.failed == evaluation.TYPE_FAILURE, len(rows))
        if mistaken.any():
            raise self._type_error(rows[np.argmax(mistaken)])
        true = evaluation.truth(outcome) & (outcome.failed == evaluation.FINE)
        return np.array(np.broadcast_to(true, len(rows)))

    def _values(self, rows: FloatArray, index: int) -> Column:
        parameter = self._parameters[index]
        column: FloatArray = rows[:, index]
        if isinstance(parameter, Float | Int):
            return column
        return parameter.table[column.astype(np.intp)]

    def _type_error(self, row: FloatArray) -> ExpressionError:
        parameters = {i: self._parameters[i] for i in self.columns}
        where = ", ".join(f"{p.name} = {p.value_of(row[i])!r}" for i, p in parameters.items())
        return ExpressionError(
            f"{self.text!r} compares or computes with values of types that do not fit together "
            f"when {where}; test the type first, as in \"x != 'auto' and x < 3\""
        )


def _parse(text: str, parameters: Sequence[Parameter]) -> ast.expr:
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"an expression has at most {MAX_LENGTH:,} characters, not {len(text):,}: "
            f"{shortened(text)!r}"
        )
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError) as problem:
        raise ExpressionError(
            f"{shortened(text)!r} is no expression: {problem}{_keyword_hint(text, parameters)}"
        ) from None
    except (RecursionError, MemoryError):
        raise _too_deep(text) from None
    level: list[ast.AST] = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return tree
    raise _too_deep(text)


def _keyword_hint(text: str, parameters: Sequence[Parameter]) -> str:
    named = [p.name for p in parameters if keyword.iskeyword(p.name) and p.name in text]
    if not named:
        return ""
    return f"; {named[0]!r} is a word of Python's own: to use that parameter, give it another name"


def _too_deep(text: str) -> ExpressionError:
    return ExpressionError(
        f"{shortened(text)!r} is nested too deeply; at most {MAX_DEPTH} levels are allowed. "
        "Group a long sum with parentheses: (a + b) + (c + d)"
    )
