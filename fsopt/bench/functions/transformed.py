"""Continuous problems whose structure does not lie along the axes, or hides among many of them.

Rotations and shifts are drawn once and for all; see `rotation` and `point`.
"""

from __future__ import annotations

import math

import numpy as np

from fsopt.bench.functions.base import Formula, Problem, continuous
from fsopt.bench.functions.paper import BRANIN_OPTIMUM, ackley, branin, rosenbrock
from fsopt.history import FloatArray
from fsopt.streams import stream

_SEED = 20_240  # any number would do


def rotation(dimensions: int, name: str) -> FloatArray:
    """(d, d) An orthogonal matrix, uniform among all (Stewart, SIAM J. Numer. Anal. 17, 1980).

    Args:
        dimensions: d.
        name: What it is for; each name has a matrix of its own.
    """
    normal = stream(_SEED, f"rotation {name}").standard_normal((dimensions, dimensions))
    q, r = np.linalg.qr(normal)
    matrix: FloatArray = q * np.sign(np.diag(r))
    return matrix


def point(dimensions: int, extent: float, name: str) -> FloatArray:
    """(d,) A point with coordinates from -extent to extent, of its own for each name."""
    return stream(_SEED, f"point {name}").uniform(-extent, extent, dimensions)


def rastrigin(x: FloatArray) -> float:
    """A bowl with one hole in each cell of a grid; 0 at 0 (Rastrigin, 1974)."""
    return float(np.sum(x * x - 10 * np.cos(2 * math.pi * x) + 10))


def ellipsoid(x: FloatArray) -> float:
    """A bowl, a hundred times as long as it is narrow; 0 at 0."""
    return float(np.sum(10.0 ** np.linspace(0, 4, len(x)) * x * x))


def goldstein_price(x: FloatArray) -> float:
    """Four minima and values over six decades; 3 at (0, -1) (Goldstein and Price, 1971)."""
    a, b = float(x[0]), float(x[1])
    first = 19 - 14 * a + 3 * a * a - 14 * b + 6 * a * b + 3 * b * b
    second = 18 - 32 * a + 12 * a * a + 48 * b - 36 * a * b + 27 * b * b
    return (1 + (a + b + 1) ** 2 * first) * (30 + (2 * a - 3 * b) ** 2 * second)


_STYBLINSKI_BEST = -2.903534027771177


def styblinski_tang(x: FloatArray) -> float:
    """The sum of double wells (Styblinski and Tang, Neural Networks 3, 1990)."""
    return float(np.sum(x**4 - 16 * x * x + 5 * x)) / 2


def cosine_mixture(x: FloatArray) -> float:
    """A bowl with small ripples; 0 at 0 (Breiman and Cutler, Math. Programming 58, 1993)."""
    return float(x @ x + 0.1 * np.sum(1 - np.cos(5 * math.pi * x)))


def peaks(dimensions: int, count: int, name: str) -> tuple[Formula, FloatArray]:
    """The upper envelope of turned Gaussian peaks, upside down (Gallagher; BBOB f21 and f22).

    Hansen, Finck, Ros and Auger, "Real-parameter black-box optimization benchmarking 2009",
    INRIA RR-6829. The first peak is 10 high, the others from 1.1 to 9.1.

    Returns:
        The function, whose smallest value is 0, and where it has it, (d,).
    """
    rng = stream(_SEED, f"peaks {name}")
    centres = rng.uniform(-4, 4, (count, dimensions))
    heights = np.concatenate([[10.0], np.linspace(1.1, 9.1, count - 1)])
    exponents = rng.permuted(np.tile(np.linspace(-0.75, 0.75, dimensions), (count, 1)), axis=1)
    scales = 10.0 ** (exponents + rng.uniform(0, 0.75, (count, 1)))
    matrix = rotation(dimensions, name)

    def formula(x: FloatArray) -> float:
        distances = np.sum(scales * ((x - centres) @ matrix.T) ** 2, axis=1)
        return 10 - float(np.max(heights * np.exp(-distances / (2 * dimensions))))

    return formula, centres[0]


def _turned(name: str, formula: Formula, dimensions: int, extent: float) -> Problem:
    """A formula that is smallest at 0, turned and moved in a cube around 0."""
    matrix, best = rotation(dimensions, name), point(dimensions, 0.7 * extent, name)
    bounds = [(-extent, extent)] * dimensions
    return continuous(name, _G, lambda x: formula(matrix @ (x - best)), bounds, best)


def _hidden_branin(name: str, dimensions: int) -> Problem:
    """Branin's function of two directions in a space of many (Wang et al., JAIR 55, 2016)."""
    plane = rotation(dimensions, name)[:2]
    minimum = np.array([math.pi, 2.275])
    centre = np.array([2.5, 7.5])  # of Branin's usual domain, which reaches 7.5 to all sides

    def formula(x: FloatArray) -> float:
        return branin(centre + 7.5 * (plane @ x))

    best = plane.T @ ((minimum - centre) / 7.5)
    bounds = [(-1.0, 1.0)] * dimensions
    return continuous(name, _G, formula, bounds, best, optimum=BRANIN_OPTIMUM)


def _few_of_many(name: str, dimensions: int) -> Problem:
    """Three of many coordinates count."""
    best = point(dimensions, 0.7, name)
    chosen = stream(_SEED, f"few {name}").permutation(dimensions)[:3]
    matrix = rotation(3, name)

    def formula(x: FloatArray) -> float:
        return ellipsoid(matrix @ (x - best)[chosen])

    return continuous(name, _G, formula, [(-1.0, 1.0)] * dimensions, best)


def _peaks(name: str, dimensions: int) -> Problem:
    formula, best = peaks(dimensions, 21, name)
    return continuous(name, _G, formula, [(-5.0, 5.0)] * dimensions, best)


_G = "transformed"
TRANSFORMED: tuple[Problem, ...] = (
    _turned("rotated-rastrigin", rastrigin, 5, 5.0),
    _turned("rotated-ackley", ackley, 8, 20.0),
    _turned("rotated-ellipsoid", ellipsoid, 6, 5.0),
    _turned("rotated-cosines", cosine_mixture, 6, 1.0),
    _peaks("rotated-peaks", 4),
    continuous(
        *("goldstein-price", _G, goldstein_price, [(-2.0, 2.0)] * 2, [0.0, -1.0]), optimum=3.0
    ),
    continuous(
        *("styblinski-tang", _G, styblinski_tang, [(-5.0, 5.0)] * 8, [_STYBLINSKI_BEST] * 8),
        optimum=8 * styblinski_tang(np.array([_STYBLINSKI_BEST])),
    ),
    continuous("rosenbrock10", _G, rosenbrock, [(-5.0, 10.0)] * 10, [1.0] * 10),
    _hidden_branin("hidden-branin", 10),
    _few_of_many("three-of-twenty", 20),
)
"""The problems of this module."""
