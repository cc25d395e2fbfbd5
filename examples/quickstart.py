"""A first study: find the lowest point of a hilly landscape.

    fsopt run examples/quickstart.py --study runs/first --trials 50

Takes seconds. Then try: fsopt status runs/first
"""

import math

import fsopt
from fsopt import Categorical, Float, Space

space = Space(
    Float("x", -5.0, 5.0),
    Float("y", -5.0, 5.0),
    Categorical("shape", ["bowl", "waves"]),
)

config = fsopt.StudyConfig(space=space, objectives={"height": "minimize"}, seed=1)


def objective(trial: fsopt.Trial) -> float:
    x, y = trial["x"], trial["y"]
    bowl = (x - 1.0) ** 2 + (y + 2.0) ** 2
    if trial["shape"] == "bowl":
        return bowl + 1.0
    return bowl / 4 + math.sin(3 * x) ** 2 + math.sin(3 * y) ** 2
