"""Problems with several objectives, two of them with constraints on outcomes, and a real one.

ZDT: Zitzler, Deb, Thiele, "Comparison of multiobjective evolutionary algorithms", Evol. Comput. 8,
2000. DTLZ: Deb, Thiele, Laumanns, Zitzler, "Scalable test problems for evolutionary multiobjective
optimization", 2005. BNH: Binh and Korn, 1997, and SRN: Srinivas and Deb, Evol. Comput. 2, 1994,
both as in Deb, "Multi-objective optimization using evolutionary algorithms", 2001, section 8.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from fsopt.bench.functions.base import Values
from fsopt.bench.functions.models import digits_network
from fsopt.errors import EvaluationError
from fsopt.history import FloatArray
from fsopt.moo.hypervolume import reference_point
from fsopt.search.quasirandom import sobol_points
from fsopt.space import Categorical, Float, Int, Space

Formula = Callable[[FloatArray], Sequence[float]]

_LOOKED_AT = 64  # points that a reference point is made of


@dataclass(frozen=True, slots=True)
class FrontProblem:
    """Objectives to be minimised."""

    name: str
    space: Space
    objectives: int
    evaluate: Callable[[Values], FloatArray]
    """The values of the objectives, then those that must not be positive."""

    def reference(self) -> FloatArray:
        """(m,) Up to where hypervolumes are measured; see `_reference`."""
        return _reference(self.name)


@cache
def _reference(name: str) -> FloatArray:
    """A point that half of the configurations beat in each objective, if they are drawn evenly.

    Or one that is a little worse than the front of these, where that is worse: so whoever looks
    anywhere has a hypervolume above zero after some evaluations.
    """
    problem = PROBLEMS[name]
    units = problem.space.snap(sobol_points(len(problem.space), range(_LOOKED_AT), 0))
    rows = problem.space.from_unit(units)
    Y = np.array([problem.evaluate(problem.space.from_row(row)) for row in rows])
    Y = Y[:, : problem.objectives]
    reference: FloatArray = np.maximum(np.median(Y, axis=0), reference_point(Y))
    return reference


def _zdt1(x: FloatArray) -> Sequence[float]:
    g = 1 + 9 * float(x[1:].mean())
    return x[0], g * (1 - math.sqrt(x[0] / g))


def _zdt2(x: FloatArray) -> Sequence[float]:
    g = 1 + 9 * float(x[1:].mean())
    return x[0], g * (1 - (x[0] / g) ** 2)


def _zdt3(x: FloatArray) -> Sequence[float]:
    g = 1 + 9 * float(x[1:].mean())
    share = x[0] / g
    return x[0], g * (1 - math.sqrt(share) - share * math.sin(10 * math.pi * x[0]))


def _zdt4(x: FloatArray) -> Sequence[float]:
    rest = x[1:]
    g = 1 + 10 * len(rest) + float((rest**2 - 10 * np.cos(4 * math.pi * rest)).sum())
    return x[0], g * (1 - math.sqrt(x[0] / g))


def _dtlz2(m: int) -> Formula:
    def formula(x: FloatArray) -> Sequence[float]:
        radius = 1 + float(((x[m - 1 :] - 0.5) ** 2).sum())
        angles = x[: m - 1] * math.pi / 2
        values = []
        for j in range(m):
            value = radius * float(np.cos(angles[: m - 1 - j]).prod())
            values.append(value * math.sin(angles[m - 1 - j]) if j else value)
        return values

    return formula


def _dtlz7(x: FloatArray) -> Sequence[float]:
    first = x[:2]
    g = 1 + 9 * float(x[2:].mean())
    h = 3 - float((first / (1 + g) * (1 + np.sin(3 * math.pi * first))).sum())
    return *first.tolist(), (1 + g) * h


def _bnh(x: FloatArray) -> Sequence[float]:
    a, b = x.tolist()
    objectives = (4 * a**2 + 4 * b**2, (a - 5) ** 2 + (b - 5) ** 2)
    return *objectives, (a - 5) ** 2 + b**2 - 25, 7.7 - (a - 8) ** 2 - (b + 3) ** 2


def _srn(x: FloatArray) -> Sequence[float]:
    a, b = x.tolist()
    objectives = ((a - 2) ** 2 + (b - 1) ** 2 + 2, 9 * a - (b - 1) ** 2)
    return *objectives, a**2 + b**2 - 225, a - 3 * b + 10


def _of_floats(
    name: str, m: int, formula: Formula, bounds: Sequence[tuple[float, float]]
) -> FrontProblem:
    space = Space(*[Float(f"x{i}", low, high) for i, (low, high) in enumerate(bounds)])

    def evaluate(params: Values) -> FloatArray:
        return np.array(formula(np.array([params[name] for name in space.names])), dtype=float)

    return FrontProblem(name, space, m, evaluate)


def _network() -> FrontProblem:
    """A perceptron's error on digits, and the logarithm of how many weights it has."""
    space = Space(
        Int("layers", 1, 3),
        *[Int(f"units{i}", 2, 128, log=True) for i in range(1, 4)],
        Categorical("activation", ["relu", "tanh", "logistic"]),
        Float("rate", 1e-4, 1.0, log=True),
        Float("alpha", 1e-6, 1.0, log=True),
        Int("batch", 8, 128, log=True),
        conditions={f"units{i}": f"layers >= {i}" for i in (2, 3)},
    )

    def evaluate(params: Values) -> FloatArray:
        widths = [64, *(params[f"units{i}"] for i in range(1, params["layers"] + 1)), 10]
        weights = sum((a + 1) * b for a, b in pairwise(widths))
        return np.array([digits_network(params), math.log10(weights)])

    return FrontProblem("digits-size", space, 2, evaluate)


_UNIT = (0.0, 1.0)

_ALL = (
    *(_of_floats(f"zdt{i}", 2, f, [_UNIT] * 30) for i, f in enumerate((_zdt1, _zdt2, _zdt3), 1)),
    _of_floats("zdt4", 2, _zdt4, [_UNIT, *[(-5.0, 5.0)] * 9]),
    _of_floats("dtlz2", 3, _dtlz2(3), [_UNIT] * 12),
    _of_floats("dtlz7", 3, _dtlz7, [_UNIT] * 22),
    _of_floats("dtlz2-5", 5, _dtlz2(5), [_UNIT] * 14),
    _of_floats("bnh", 2, _bnh, [(0.0, 5.0), (0.0, 3.0)]),
    _of_floats("srn", 2, _srn, [(-20.0, 20.0), (-20.0, 20.0)]),
    _network(),
)

PROBLEMS: Mapping[str, FrontProblem] = {problem.name: problem for problem in _ALL}
"""All by name."""


def select(words: str) -> list[FrontProblem]:
    """The problems of these names, separated by commas; ``"all"`` stands for all.

    Raises:
        EvaluationError: If one is unknown.
    """
    names = list(PROBLEMS) if words == "all" else list(dict.fromkeys(words.split(",")))
    for name in names:
        if name not in PROBLEMS:
            raise EvaluationError(f"there is no problem {name!r}; known are {', '.join(PROBLEMS)}")
    return [PROBLEMS[name] for name in names]
