"""Families of learning curves, by their shape.

A family in use elsewhere, such as ``a + b * z**-c``, has parameters of two kinds: an offset and a
factor, in which it is linear, and the rest, which is its *shape*. Only shapes are here. A shape
falls from 1 at the first step to 0 at the last; the curves that it stands for are
``last + drop * shape``. So several families that others tell apart are one: ``janoschek4`` and
``weibull4`` are ``exp4``, ``hill3`` and ``logpow3`` are ``mmf4``. Names and forms are those of
Viering and Loog, "The shape of learning curves: a review", IEEE TPAMI 45 (2023), and Domhan,
Springenberg, Hutter, "Speeding up automatic hyperparameter optimization of deep neural networks by
extrapolation of learning curves", IJCAI 2015.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from fsopt.history import FloatArray

_BASES = 2, 3  # of the radical inverses by which parameters are spread
_POINTS = 1, 32, 96  # shapes of a family that has none, one or two parameters

Shape = Callable[[FloatArray, FloatArray, FloatArray, float], FloatArray]
"""Of steps (n,), two parameters (k, 1) in (0, 1) each, and the last step: (k, n) or (1, n)."""


def _between(place: FloatArray, low: float, high: float) -> FloatArray:
    """From ``low`` to ``high``, evenly in the logarithm."""
    spread: FloatArray = low * (high / low) ** place
    return spread


def _pow3(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return np.power(z, -_between(u, 0.05, 4.0))


def _pow4(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return np.power(z + _between(v, 0.1, last), -_between(u, 0.1, 4.0))


def _exp4(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return np.exp(-((z / _between(u, 0.3, last)) ** _between(v, 0.3, 2.0)))


def _mmf4(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return 1 / (1 + (z / _between(u, 0.3, 2 * last)) ** _between(v, 0.3, 4.0))


def _ilog2(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return 1 / np.log(z + 1)[None]


def _lin2(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return -z[None]


def _vapor3(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    mixed: FloatArray = (1 - u) / z - u * np.log(z) / np.log(last)
    return mixed


def _logloglin2(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return -np.log(np.log(z) + _between(u, 0.05, 10.0))


def _arctan3(z: FloatArray, u: FloatArray, v: FloatArray, last: float) -> FloatArray:
    return -np.arctan(_between(u, 1 / last, 3.0) * z + 6 * (v - 0.5))


FAMILIES: Mapping[str, tuple[Shape, int]] = {
    "pow3": (_pow3, 1),
    "pow4": (_pow4, 2),
    "exp4": (_exp4, 2),
    "mmf4": (_mmf4, 2),
    "ilog2": (_ilog2, 0),
    "lin2": (_lin2, 0),
    "vapor3": (_vapor3, 1),
    "logloglin2": (_logloglin2, 1),
    "arctan3": (_arctan3, 2),
}
"""The families by name, each with its number of parameters."""


def shapes(family: str, steps: FloatArray, last: float) -> FloatArray:
    """Shapes of a family, spread evenly over its parameters.

    Args:
        family: One of `FAMILIES`.
        steps: (n,) Steps, in units of the first.
        last: The last step in these units, more than 1.

    Returns:
        (k, n) Shapes at the steps; 1 at step 1 and 0 at the last.
    """
    shape, parameters = FAMILIES[family]
    count = _POINTS[parameters]
    u, v = (_radical_inverses(count, base)[:, None] for base in _BASES)
    g = np.broadcast_to(shape(np.append(steps, (1.0, last)), u, v, last), (count, len(steps) + 2))
    drop = g[:, -2:-1] - g[:, -1:]
    is_usable = drop[:, 0] > 1e-12
    scaled: FloatArray = (g[is_usable, :-2] - g[is_usable, -1:]) / drop[is_usable]
    return scaled


def _radical_inverses(count: int, base: int) -> FloatArray:
    """The first numbers of van der Corput's sequence."""
    numbers, inverses, digit = np.arange(1, count + 1), np.zeros(count), 1.0 / base
    while numbers.any():
        numbers, digits = np.divmod(numbers, base)
        inverses += digits * digit
        digit /= base
    return inverses
