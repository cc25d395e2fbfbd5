"""Several objectives under a constraint: accurate, fast, and small enough for the device.

    fsopt run examples/tradeoffs.py --study runs/tradeoffs --trials 30 --workers 2

The objectives are the accuracy of a forest and how many comparisons one prediction takes. What it
needs of memory is known only when it has been trained: trials beyond the limit count for the
optimizer, which learns where the limit is, but are not in the Pareto front. That is what

    fsopt best runs/tradeoffs
    fsopt plot runs/tradeoffs pareto -o front.html

show.
"""

from sklearn.datasets import load_digits
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.model_selection import train_test_split

import fsopt
from fsopt import Categorical, Float, Int, Space

BYTES_PER_NODE = 16  # which feature, its threshold, two children

space = Space(
    Int("trees", 1, 100, log=True),
    Int("leaves", 8, 400, log=True),
    Float("features", 0.05, 1.0, log=True),
    Categorical("criterion", ["gini", "entropy"]),
)

config = fsopt.StudyConfig(
    space=space,
    objectives={"accuracy": "maximize", "comparisons": "minimize"},
    constraints_on={"kilobytes": "<= 128"},
    seed=1,
)

X, y = load_digits(return_X_y=True)
X_train, X_valid, y_train, y_valid = train_test_split(X, y, random_state=0, stratify=y)


def objective(trial: fsopt.Trial) -> dict[str, float]:
    forest = ExtraTreesClassifier(
        trial["trees"],
        max_leaf_nodes=trial["leaves"],
        max_features=trial["features"],
        criterion=trial["criterion"],
        random_state=0,
    ).fit(X_train, y_train)
    visited, offsets = forest.decision_path(X_valid)
    leaves_visited = len(X_valid) * trial["trees"]
    return {
        "accuracy": float(forest.score(X_valid, y_valid)),
        "comparisons": float(visited.sum() - leaves_visited) / len(X_valid),
        "kilobytes": float(offsets[-1]) * BYTES_PER_NODE / 1024,
    }
