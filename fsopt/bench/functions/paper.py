"""The nine functions that DeepHyper's paper compares optimizers on (doi:10.21105/joss.07975).

They are minimised over the bounds used there. The formulas are those of Surjanovic and Bingham,
"Virtual library of simulation experiments: test functions and datasets", Simon Fraser University;
each function names its first source.
"""

from __future__ import annotations

import math

import numpy as np

from fsopt.bench.functions.base import Problem, continuous
from fsopt.history import FloatArray


def ackley(x: FloatArray) -> float:
    """A funnel with many shallow holes; 0 at 0 (Ackley, 1987)."""
    radius = math.sqrt(float(np.mean(x * x)))
    waves = float(np.mean(np.cos(2 * math.pi * x)))
    return 20 + math.e - 20 * math.exp(-0.2 * radius) - math.exp(waves)


def branin(x: FloatArray) -> float:
    """A bent valley with three equal minima, 5 / (4 pi) (Branin, 1972)."""
    bend = x[1] - 5.1 / (4 * math.pi**2) * x[0] ** 2 + 5 / math.pi * x[0] - 6
    return float(bend**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


def griewank(x: FloatArray) -> float:
    """A wide bowl with regular ripples; 0 at 0 (Griewank, 1981)."""
    scale = np.sqrt(np.arange(1, len(x) + 1))
    return float(x @ x / 4000 - np.prod(np.cos(x / scale)) + 1)


_HARTMANN_HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
_HARTMANN_WIDTHS = np.array(
    [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ]
)
_HARTMANN_CENTRES = np.array(
    [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ]
)


def hartmann(x: FloatArray) -> float:
    """Four bumps in six dimensions (Hartman, 1973)."""
    distances = np.sum(_HARTMANN_WIDTHS * (x - _HARTMANN_CENTRES) ** 2, axis=1)
    return -float(_HARTMANN_HEIGHTS @ np.exp(-distances))


def levy(x: FloatArray) -> float:
    """Ripples across a valley; 0 at 1 (Levy and Montalvo, 1985)."""
    w = 1 + (x - 1) / 4
    inner, last = w[:-1], w[-1]
    middle = (inner - 1) ** 2 * (1 + 10 * np.sin(math.pi * inner + 1) ** 2)
    end = (last - 1) ** 2 * (1 + math.sin(2 * math.pi * last) ** 2)
    return float(math.sin(math.pi * w[0]) ** 2 + np.sum(middle) + end)


def michalewicz(x: FloatArray) -> float:
    """Narrow valleys that cross on plains (Michalewicz, 1992; steepness 10)."""
    number = np.arange(1, len(x) + 1)
    return -float(np.sum(np.sin(x) * np.sin(number * x * x / math.pi) ** 20))


def rosenbrock(x: FloatArray) -> float:
    """A long bent valley; 0 at 1 (Rosenbrock, 1960)."""
    return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (x[:-1] - 1) ** 2))


def schwefel(x: FloatArray) -> float:
    """Waves that grow outwards, the best far from the second best (Schwefel, 1981)."""
    return float(418.9829 * len(x) - np.sum(x * np.sin(np.sqrt(np.abs(x)))))


_SHEKEL_CENTRES = np.array(
    [
        [4.0, 1.0, 8.0, 6.0, 3.0, 2.0, 5.0, 8.0, 6.0, 7.0],
        [4.0, 1.0, 8.0, 6.0, 7.0, 9.0, 3.0, 1.0, 2.0, 3.6],
        [4.0, 1.0, 8.0, 6.0, 3.0, 2.0, 5.0, 8.0, 6.0, 7.0],
        [4.0, 1.0, 8.0, 6.0, 7.0, 9.0, 3.0, 1.0, 2.0, 3.6],
    ]
)  # the seventh as in the library; Dixon and Szego (1978) have (5, 5, 3, 3)
_SHEKEL_WIDTHS = np.array([0.1, 0.2, 0.2, 0.4, 0.4, 0.6, 0.3, 0.7, 0.5, 0.5])


def shekel(x: FloatArray) -> float:
    """Ten narrow holes in a plain (Shekel, 1971)."""
    distances = np.sum((x[:, None] - _SHEKEL_CENTRES) ** 2, axis=0)
    return -float(np.sum(1 / (distances + _SHEKEL_WIDTHS)))


_HARTMANN_BEST = (0.20168951, 0.15001069, 0.47687398, 0.27533243, 0.31165162, 0.65730053)
_MICHALEWICZ_BEST = (2.20290552, 1.57079632, 1.28499157, 1.92305847, 1.72046977)
_SHEKEL_BEST = (4.00074687, 3.99950948, 4.00074687, 3.99950948)
HARTMANN_OPTIMUM = -3.322368011415515
BRANIN_OPTIMUM = 5 / (4 * math.pi)

_G = "paper"
PAPER: tuple[Problem, ...] = (
    continuous("ackley", _G, ackley, [(-36.768, 28.768)] * 5, [0.0] * 5),
    continuous(
        *("branin", _G, branin, [(-5.0, 10.0), (0.0, 15.0)], [math.pi, 2.275]),
        optimum=BRANIN_OPTIMUM,
    ),
    continuous("griewank", _G, griewank, [(-604.0, 596.0)] * 5, [0.0] * 5),
    continuous(
        *("hartmann6", _G, hartmann, [(0.0, 1.0)] * 6, _HARTMANN_BEST),
        optimum=HARTMANN_OPTIMUM,
    ),
    continuous("levy", _G, levy, [(-10.0, 10.0)] * 5, [1.0] * 5),
    continuous(
        *("michalewicz", _G, michalewicz, [(0.0, math.pi)] * 5, _MICHALEWICZ_BEST),
        optimum=-4.687658179088148,
    ),
    continuous("rosenbrock", _G, rosenbrock, [(-5.0, 10.0)] * 5, [1.0] * 5),
    continuous(
        *("schwefel", _G, schwefel, [(-500.0, 500.0)] * 5, [420.968746] * 5),
        optimum=6.363783129e-05,
    ),
    continuous(
        *("shekel", _G, shekel, [(0.0, 10.0)] * 4, _SHEKEL_BEST), optimum=-10.53644315348353
    ),
)
"""The problems of this module."""
