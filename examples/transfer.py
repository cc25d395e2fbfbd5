"""Learn from an earlier study, although the new one has another range and a parameter more.

    fsopt run examples/transfer.py --study runs/second --trials 20

The earlier study is made in memory and stands for one that you have on disk: for that, give its
path, here or on the command line (--prior runs/first). Takes seconds.
"""

import fsopt
from fsopt import Categorical, Float, Int, Normal, Space


def loss(rate: float, depth: int, solver: str, momentum: float = 0.5) -> float:
    """The best rate is 0.02, the best depth 6, the best momentum 0.8."""
    return (
        abs(rate - 0.02) ** 0.5
        + 0.02 * (depth - 6) ** 2
        + 0.3 * (solver == "plain")
        + (momentum - 0.8) ** 2
    )


def earlier_trials():
    """A table of 60 configurations of a smaller problem, with its losses on another scale."""
    space = Space(
        Float("lr", 1e-4, 1e-1, log=True),
        Int("depth", 1, 8),
        Categorical("solver", ["plain", "adaptive"]),
    )
    study = fsopt.create_study(None, space=space, objectives={"percent": "minimize"}, seed=1)
    study.run(lambda t: 100 * loss(1.2 * t["lr"], t["depth"], t["solver"]), trials=60)
    return study.trials()


space = Space(
    Float("rate", 1e-5, 1.0, log=True),  # was called lr, with a smaller range
    Int("depth", 1, 12),
    Categorical("solver", ["plain", "adaptive", "newest"]),
    Float("momentum", 0.0, 1.0, prior=Normal(0.9, 0.2)),  # is new: a belief
)

config = fsopt.StudyConfig(
    space=space,
    objectives={"loss": "minimize"},
    seed=2,
    prior=fsopt.GaussianMixturePrior.from_studies(
        [earlier_trials()], rename={"lr": "rate", "percent": "loss"}
    ),
)


def objective(trial: fsopt.Trial) -> float:
    return loss(trial["rate"], trial["depth"], trial["solver"], trial["momentum"])
