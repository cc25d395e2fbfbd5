"""What a problem is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from fsopt.history import FloatArray
from fsopt.space import Float, Space
from fsopt.streams import stream

Values: TypeAlias = Mapping[str, Any]
"""The values of the active parameters by name, as an objective gets them."""

Objective: TypeAlias = Callable[[Values], float]
Formula: TypeAlias = Callable[[FloatArray], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A function to be minimised, and what is known of it."""

    name: str
    group: str
    """What it is like; see `fsopt.bench.functions`."""
    space: Space
    objective: Objective
    """The value of a configuration, without noise, where it does not fail."""
    optimum: float | None = None
    """The smallest value, if it is known; else all values are positive."""
    minimizer: Values | None = None
    """A configuration that has it."""
    noise: float = 0.0
    """The standard deviation of the normal noise that is added to each value."""
    fails: Callable[[Values], bool] | None = None
    """Which configurations fail, if any."""

    def regret(self, value: float) -> float:
        """How much worse a value is than the optimum; the value itself where that is unknown."""
        return value if self.optimum is None else max(0.0, value - self.optimum)

    def observe(self, params: Values, seed: int, number: int) -> float | None:
        """The value with noise, or None for a failure.

        Args:
            params: The configuration.
            seed: The run's seed.
            number: The trial's number; the noise is a function of the seed and of it.
        """
        if self.fails is not None and self.fails(params):
            return None
        value = self.objective(params)
        if self.noise:
            value += self.noise * stream(seed, f"noise of {self.name}", number).standard_normal()
        return value


def continuous(
    name: str,
    group: str,
    formula: Formula,
    bounds: Sequence[tuple[float, float]],
    minimizer: Sequence[float] | FloatArray,
    *,
    optimum: float = 0.0,
    noise: float = 0.0,
    fails: Callable[[FloatArray], bool] | None = None,
) -> Problem:
    """A problem of the floats ``x0, x1, ...``.

    Args:
        name: Its name.
        group: Its group.
        formula: The value of a point (d,).
        bounds: The least and the greatest value of each coordinate.
        minimizer: (d,) The point that has the optimum.
        optimum: The value there.
        noise: See `Problem`.
        fails: Which points fail, if any.
    """
    space = Space(*[Float(f"x{i}", low, high) for i, (low, high) in enumerate(bounds)])
    names = space.names

    def point(params: Values) -> FloatArray:
        return np.array([params[name] for name in names])

    return Problem(
        name=name,
        group=group,
        space=space,
        objective=lambda params: formula(point(params)),
        optimum=optimum,
        minimizer=dict(zip(names, map(float, minimizer), strict=True)),
        noise=noise,
        fails=None if fails is None else (lambda params: fails(point(params))),
    )
