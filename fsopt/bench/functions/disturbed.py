"""Problems whose values are noisy, and problems of which a part fails."""

from __future__ import annotations

import math

import numpy as np

from fsopt.bench.functions.base import Problem, Values, continuous
from fsopt.bench.functions.mixed import NETWORK_BEST, NETWORK_SPACE, network_loss, network_size
from fsopt.bench.functions.paper import BRANIN_OPTIMUM, PAPER, ackley, branin
from fsopt.bench.functions.transformed import point, rastrigin, rotation
from fsopt.history import FloatArray

_BRANIN_BOUNDS = [(-5.0, 10.0), (0.0, 15.0)]
_BRANIN_BEST = (math.pi, 2.275)


def _noisy_sphere() -> Problem:
    best = point(5, 0.7, "noisy-sphere")

    def formula(x: FloatArray) -> float:
        return float(np.sum((x - best) ** 2))

    return continuous("noisy-sphere", "noisy", formula, [(-1.0, 1.0)] * 5, best, noise=0.1)


def _noisy_hartmann() -> Problem:
    (quiet,) = (problem for problem in PAPER if problem.name == "hartmann6")
    return Problem(
        name="noisy-hartmann6",
        group="noisy",
        space=quiet.space,
        objective=quiet.objective,
        optimum=quiet.optimum,
        minimizer=quiet.minimizer,
        noise=0.1,
    )


def _noisy_rastrigin() -> Problem:
    matrix, best = rotation(3, "noisy-rastrigin"), point(3, 3.5, "noisy-rastrigin")

    def formula(x: FloatArray) -> float:
        return rastrigin(matrix @ (x - best))

    return continuous("noisy-rastrigin", "noisy", formula, [(-5.0, 5.0)] * 3, best, noise=2.0)


NOISY: tuple[Problem, ...] = (
    _noisy_sphere(),
    continuous(
        *("noisy-branin", "noisy", branin, _BRANIN_BOUNDS, _BRANIN_BEST),
        optimum=BRANIN_OPTIMUM,
        noise=1.0,
    ),
    _noisy_hartmann(),
    _noisy_rastrigin(),
    Problem(
        name="noisy-network",
        group="noisy",
        space=NETWORK_SPACE,
        objective=network_loss,
        optimum=0.0,
        minimizer=NETWORK_BEST,
        noise=0.02,
    ),
)
"""Problems with normal noise. Their regret is that of the incumbent's value without noise."""


def _cliff() -> Problem:
    """About half of the space fails, and the best point is close to the edge."""
    name = "cliff"
    matrix, best = rotation(4, name), point(4, 3.0, name)
    normal = point(4, 1.0, f"{name} normal")

    def formula(x: FloatArray) -> float:
        return ackley(matrix @ (x - best))

    def fails(x: FloatArray) -> bool:
        return float(normal @ (x - best)) > 0.5

    return continuous(name, "failing", formula, [(-10.0, 10.0)] * 4, best, fails=fails)


def _craters() -> Problem:
    """Two of Branin's three minima lie in discs that fail."""

    def fails(x: FloatArray) -> bool:
        left = math.hypot(x[0] + math.pi, x[1] - 12.275)
        right = math.hypot(x[0] - 3 * math.pi, x[1] - 2.475)
        return left < 3 or right < 2

    return continuous(
        *("craters", "failing", branin, _BRANIN_BOUNDS, _BRANIN_BEST),
        optimum=BRANIN_OPTIMUM,
        fails=fails,
    )


def _diverges(p: Values) -> bool:
    """Too high a rate, or too large a network for the memory."""
    if network_size(p) > 28:
        return True
    boost = 10 / (1 - p["momentum"]) if p["solver"] == "sgd" else 100.0
    return bool(p["rate"] * boost > 4)


FAILING: tuple[Problem, ...] = (
    _cliff(),
    _craters(),
    Problem(
        name="diverging-network",
        group="failing",
        space=NETWORK_SPACE,
        objective=network_loss,
        optimum=0.0,
        minimizer=NETWORK_BEST,
        fails=_diverges,
    ),
)
"""Problems of which a part fails; nothing but the failures tells which."""
