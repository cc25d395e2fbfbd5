"""Problems with categories, integers, orders, logarithms, conditions and constraints.

They are made up, but after what hyperparameters are like: a categorical that decides which others
exist, optima that move with another parameter, integers over decades, many that hardly matter.
Every term is zero or more and all are zero at the minimizer, unless said otherwise.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fsopt.bench.functions.base import Problem, Values
from fsopt.history import FloatArray
from fsopt.space import Categorical, Float, Int, Ordinal, Parameter, Space
from fsopt.streams import stream

_SEED = 20_241  # any number would do
_G = "mixed"


def _decades(value: float, target: float) -> float:
    """By how many powers of ten a value exceeds its target."""
    return math.log10(value / target)


def _menu() -> Problem:
    """A category chooses one of four landscapes, each with parameters of its own."""

    def objective(p: Values) -> float:
        if p["kind"] == "bowl":
            return float(0.5 + 0.05 * ((p["bowl_x"] - 3) ** 2 + (p["bowl_y"] + 2) ** 2))
        if p["kind"] == "ripples":
            x = np.array([p["ripple_x"] - 1.3, p["ripple_y"] + 0.4])
            return float(0.2 + 0.05 * np.sum(x * x - 3 * np.cos(2 * math.pi * x) + 3))
        if p["kind"] == "valley":
            bend = p["valley_y"] - p["valley_x"] ** 2
            return float(2 * bend**2 + 0.1 * (p["valley_x"] - 1) ** 2)
        late = 0.0 if p["step_mode"] == "late" else 0.1
        return float(0.35 + late + 0.02 * abs(p["step_n"] // 4 - 6))

    kinds = {"bowl": "bowl_", "ripples": "ripple_", "valley": "valley_", "steps": "step_"}
    parameters: list[Parameter] = [
        *(Float(f"{kinds[kind]}{axis}", -5.0, 5.0) for kind in list(kinds)[:3] for axis in "xy"),
        Int("step_n", 1, 40),
        Categorical("step_mode", ["early", "late"]),
    ]
    conditions = {
        parameter.name: f"kind == '{kind}'"
        for kind, prefix in kinds.items()
        for parameter in parameters
        if parameter.name.startswith(prefix)
    }
    space = Space(Categorical("kind", list(kinds)), *parameters, conditions=conditions)
    best = {"kind": "valley", "valley_x": 1.0, "valley_y": 1.0}
    return Problem(
        name="menu", group=_G, space=space, objective=objective, optimum=0.0, minimizer=best
    )


NETWORK_SPACE = Space(
    Int("layers", 1, 4),
    *[Int(f"units{i}", 8, 1024, log=True) for i in range(1, 5)],
    Categorical("activation", ["sigmoid", "tanh", "relu", "gelu"]),
    Categorical("solver", ["sgd", "adam"]),
    Float("rate", 1e-5, 1.0, log=True),
    Float("momentum", 0.0, 0.99),
    Float("dropout", 0.0, 0.8),
    conditions={
        **{f"units{i}": f"layers >= {i}" for i in range(2, 5)},
        "momentum": "solver == 'sgd'",
    },
)
NETWORK_BEST: Values = {
    "layers": 2,
    "units1": 256,
    "units2": 256,
    "activation": "gelu",
    "solver": "adam",
    "rate": 1e-3,
    "dropout": 0.2,
}
_ACTIVATIONS = {"gelu": 0.0, "relu": 0.02, "tanh": 0.06, "sigmoid": 0.15}


def network_size(p: Values) -> float:
    """The sum of the binary logarithms of the layers' units."""
    return sum(math.log2(p[f"units{i}"]) for i in range(1, p["layers"] + 1))


def network_loss(p: Values) -> float:
    """As of a neural network: the best rate depends on solver and depth, dropout on the size."""
    size = network_size(p)
    rate = _decades(p["rate"], 1e-3 if p["solver"] == "adam" else 3e-2) + 0.3 * (p["layers"] - 2)
    loss = 0.15 * min(rate * rate, 4.0) + _ACTIVATIONS[p["activation"]]
    loss += 0.004 * (size - 16) ** 2 if size < 16 else 0.002 * (size - 16)
    loss += 0.5 * (p["dropout"] - min(0.6, 0.0125 * size)) ** 2
    if p["solver"] == "sgd":
        loss += 0.03 + 0.2 * (p["momentum"] - 0.9) ** 2
    return float(loss)


def chain(letters: FloatArray, pairs: FloatArray) -> tuple[float, list[int]]:
    """The least sum of the costs of a word's letters and of its pairs of neighbours.

    Dynamic programming (Viterbi, IEEE Trans. Inf. Theory 13, 1967).

    Args:
        letters: (n, k) What each of k letters costs at each of n places.
        pairs: (n - 1, k, k) What a letter costs after another.

    Returns:
        The sum, and the letters that have it.
    """
    cost, back = letters[0], []
    for own, pair in zip(letters[1:], pairs, strict=True):
        total = cost[:, None] + pair + own
        back.append(np.argmin(total, axis=0))
        cost = np.min(total, axis=0)
    word = [int(np.argmin(cost))]
    for step in reversed(back):
        word.append(int(step[word[-1]]))
    return float(np.min(cost)), word[::-1]


def _word() -> Problem:
    """Twelve categoricals: additive costs, and interactions of neighbours."""
    alphabet = "abcd"
    rng = stream(_SEED, "word")
    letters = rng.standard_normal((12, len(alphabet)))
    pairs = rng.standard_normal((11, len(alphabet), len(alphabet)))
    optimum, best = chain(letters, pairs)
    names = [f"letter{i}" for i in range(len(letters))]

    def objective(p: Values) -> float:
        word = [alphabet.index(p[name]) for name in names]
        own = sum(letters[i, letter] for i, letter in enumerate(word))
        return float(own + sum(pairs[i, word[i], word[i + 1]] for i in range(len(pairs))))

    return Problem(
        name="word",
        group=_G,
        space=Space(*[Categorical(name, list(alphabet)) for name in names]),
        objective=objective,
        optimum=optimum,
        minimizer={name: alphabet[letter] for name, letter in zip(names, best, strict=True)},
    )


def _corner() -> Problem:
    """Logarithmic scales with the optimum in a corner, and a plateau everywhere else."""
    best = {"penalty": 1e3, "width": 1e-6, "decay": 1e-8, "tolerance": 1e-6, "rounds": 1000}

    def objective(p: Values) -> float:
        a, b = _decades(1e3, p["penalty"]), _decades(p["width"], 1e-6)
        c, e = _decades(p["decay"], 1e-8), _decades(p["tolerance"], 1e-6)
        rounds = _decades(1000, p["rounds"])
        distance = 0.3 * a + 0.2 * b + 0.05 * a * b + 0.05 * c * c + 0.02 * e + 0.4 * rounds
        return 1 - 1 / (1 + distance)

    space = Space(
        Float("penalty", 1e-3, 1e3, log=True),
        Float("width", 1e-6, 1e1, log=True),
        Float("decay", 1e-8, 1.0, log=True),
        Float("tolerance", 1e-6, 1.0, log=True),
        Int("rounds", 1, 1000, log=True),
    )
    return Problem(
        name="corner", group=_G, space=space, objective=objective, optimum=0.0, minimizer=best
    )


def _vessel() -> Problem:
    """The cost of a pressure vessel: two integers, two floats, three constraints.

    Sandgren, J. Mech. Design 112, 1990; its optimum: Yang et al., Int. J. Bio-Inspired Comput. 5,
    2013. The regret is in the problem's units, of 6,060 at best.
    """
    inch = 0.0625  # plates come in sixteenths
    radius = 13 * inch / 0.0193
    length = (1_296_000 - 4 / 3 * math.pi * radius**3) / (math.pi * radius**2)

    def objective(p: Values) -> float:
        shell, head = inch * p["shell"], inch * p["head"]
        r, long = p["radius"], p["length"]
        cost = 0.6224 * shell * r * long + 1.7781 * head * r * r
        return float(cost + 3.1661 * shell * shell * long + 19.84 * shell * shell * r)

    best = {"shell": 13, "head": 7, "radius": radius, "length": length}
    space = Space(
        *(Int("shell", 1, 99), Int("head", 1, 99)),
        *(Float("radius", 10.0, 200.0), Float("length", 10.0, 200.0)),
        constraints=[
            "0.0193 * radius <= 0.0625 * shell",
            "0.00954 * radius <= 0.0625 * head",
            f"{math.pi} * radius**2 * length + {4 / 3 * math.pi} * radius**3 >= 1296000",
        ],
    )
    return Problem(
        name="vessel",
        group=_G,
        space=space,
        objective=objective,
        optimum=objective(best),
        minimizer=best,
    )


def _mixture() -> Problem:
    """Shares that may not sum to more than one, and a category; the optimum is on the boundary."""
    wanted = np.array([0.7, 0.5, 0.2, 0.4])
    best = wanted - (wanted.sum() - 1) / 4  # the nearest point of the half-space

    def objective(p: Values) -> float:
        shares = np.array([p[f"share{i}"] for i in range(4)])
        solvent = {"water": 0.05, "oil": 0.0, "none": 0.3}[p["solvent"]]
        return float(np.sum((shares - wanted) ** 2)) + solvent

    space = Space(
        *[Float(f"share{i}", 0.0, 1.0) for i in range(4)],
        Categorical("solvent", ["water", "oil", "none"]),
        constraints=["share0 + share1 + share2 + share3 <= 1"],
    )
    return Problem(
        name="mixture",
        group=_G,
        space=space,
        objective=objective,
        optimum=float(np.sum((best - wanted) ** 2)),
        minimizer={**{f"share{i}": float(x) for i, x in enumerate(best)}, "solvent": "oil"},
    )


def _orders() -> Problem:
    """Ordered and stepped values only; some interact."""
    batches, kernels = [16, 32, 64, 128, 256, 512], [1, 3, 5, 7]

    def objective(p: Values) -> float:
        batch = batches.index(p["batch"]) - 2 - p["stride"] // 2
        kernel = kernels.index(p["kernel"]) - (2 if p["pool"] == "max" else 1)
        loss = 0.02 * batch**2 + 0.05 * kernel**2 + 0.3 * (p["dropout"] - 0.25) ** 2
        loss += 0.01 * abs(p["stride"] - 2) + (0.0 if p["bias"] else 0.02)
        return float(loss + 0.03 * (p["pool"] == "mean"))

    space = Space(
        *(Ordinal("batch", batches), Ordinal("kernel", kernels), Ordinal("stride", [1, 2, 4])),
        Float("dropout", 0.0, 0.6, step=0.05),
        *(Categorical("pool", ["mean", "max"]), Categorical("bias", [False, True])),
    )
    best = {"batch": 128, "kernel": 5, "stride": 2, "dropout": 0.25, "pool": "max", "bias": True}
    return Problem(
        name="orders", group=_G, space=space, objective=objective, optimum=0.0, minimizer=best
    )


def _pipeline() -> Problem:
    """A machine learning pipeline: conditions on conditions."""

    def model_loss(p: Values) -> Any:
        if p["model"] == "forest":
            return 0.06 + 0.05 * _decades(500, p["trees"]) + 0.001 * (p["depth"] - 14) ** 2
        if p["model"] == "neighbours":
            return 0.1 + 0.1 * _decades(p["count"], 7) ** 2 + 0.04 * (p["metric"] != "cosine")
        strength = _decades(p["strength"], 10)
        if p["model"] == "linear":
            return 0.15 + 0.02 * strength**2
        if p["kernel"] == "poly":
            return 0.05 + 0.03 * abs(p["degree"] - 3) + 0.03 * strength**2
        return 0.04 * strength**2 + 0.06 * (_decades(p["gamma"], 1e-2) + 0.5 * strength) ** 2

    def objective(p: Values) -> float:
        loss = model_loss(p)
        loss += {"none": 0.1, "standard": 0.0, "robust": 0.01}[p["scaler"]]
        if p["features"] == "pca":
            loss += 0.0003 * (p["components"] - 18) ** 2
        elif p["features"] == "select":
            loss += 0.02 + 0.1 * (p["kept"] - 0.6) ** 2
        else:
            loss += 0.05
        return float(loss)

    space = Space(
        Categorical("scaler", ["none", "standard", "robust"]),
        Categorical("features", ["all", "pca", "select"]),
        *(Int("components", 2, 40), Float("kept", 0.05, 1.0)),
        Categorical("model", ["svm", "forest", "neighbours", "linear"]),
        Float("strength", 1e-3, 1e4, log=True),
        *(Categorical("kernel", ["rbf", "poly"]), Float("gamma", 1e-5, 1e1, log=True)),
        *(Int("degree", 2, 5), Int("trees", 10, 500, log=True), Int("depth", 1, 30)),
        *(Int("count", 1, 50, log=True), Categorical("metric", ["l1", "l2", "cosine"])),
        conditions={
            "components": "features == 'pca'",
            "kept": "features == 'select'",
            "strength": "model in ['svm', 'linear']",
            "kernel": "model == 'svm'",
            "gamma": "kernel == 'rbf'",
            "degree": "kernel == 'poly'",
            "trees": "model == 'forest'",
            "depth": "model == 'forest'",
            "count": "model == 'neighbours'",
            "metric": "model == 'neighbours'",
        },
    )
    best = {
        "scaler": "standard",
        "features": "pca",
        "components": 18,
        "model": "svm",
        "strength": 10.0,
        "kernel": "rbf",
        "gamma": 1e-2,
    }
    return Problem(
        name="pipeline", group=_G, space=space, objective=objective, optimum=0.0, minimizer=best
    )


def _haystack() -> Problem:
    """Four parameters count, twenty do not."""

    def objective(p: Values) -> float:
        x, y = p["x"] - 0.3, p["y"] - 0.8
        loss = 4 * x * x + 2 * (y + x) ** 2 + 0.005 * (p["n"] - 13) ** 2
        return float(loss + {"a": 0.3, "b": 0.0, "c": 0.1}[p["mode"]])

    space = Space(
        *[Float(f"float{i}", 0.0, 1.0) for i in range(10)],
        *(Float("x", 0.0, 1.0), Int("n", 1, 20)),
        *[Int(f"int{i}", 1, 100) for i in range(5)],
        *(Categorical("mode", ["a", "b", "c"]), Float("y", 0.0, 1.0)),
        *[Categorical(f"choice{i}", ["a", "b", "c"]) for i in range(5)],
    )
    best = {
        **{f"float{i}": 0.5 for i in range(10)},
        **{f"int{i}": 50 for i in range(5)},
        **{f"choice{i}": "a" for i in range(5)},
        "x": 0.3,
        "y": 0.8,
        "n": 13,
        "mode": "b",
    }
    return Problem(
        name="haystack", group=_G, space=space, objective=objective, optimum=0.0, minimizer=best
    )


MIXED: tuple[Problem, ...] = (
    _menu(),
    Problem(
        name="network",
        group=_G,
        space=NETWORK_SPACE,
        objective=network_loss,
        optimum=0.0,
        minimizer=NETWORK_BEST,
    ),
    *(_word(), _corner(), _vessel(), _mixture(), _orders(), _pipeline(), _haystack()),
)
"""The problems of this module."""
