"""Data that scikit-learn brings along or generates, and how it is split."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from fsopt.streams import stream

Array: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Task:
    """A data set.

    Attributes:
        name: Its name.
        is_classification: Whether y holds classes, counted from 0.
        load: Returns X (n, p) and y (n,).
    """

    name: str
    is_classification: bool
    load: Callable[[], tuple[Array, Array]]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """A data set, dealt: half to fit models, a quarter to select by, a quarter to score by."""

    task: Task
    number: int
    X: tuple[Array, Array, Array]
    y: tuple[Array, Array, Array]

    @classmethod
    def of(cls, task: Task, number: int) -> Split:
        """The split of that number; inputs are standardised by what models are fitted to."""
        X, y = task.load()
        order = stream(number, f"split-{task.name}").permutation(len(X))
        cuts = [len(X) // 2, len(X) * 3 // 4]
        parts = np.split(order, cuts)
        mean, deviation = X[parts[0]].mean(axis=0), X[parts[0]].std(axis=0)
        scaled = (X - mean) / np.where(deviation > 0, deviation, 1)
        inputs = [scaled[part] for part in parts]
        targets = [y[part] for part in parts]
        return cls(
            task, number, (inputs[0], inputs[1], inputs[2]), (targets[0], targets[1], targets[2])
        )


def _bundled(name: str) -> Callable[[], tuple[Array, Array]]:
    def load() -> tuple[Array, Array]:
        from sklearn import datasets

        X, y = getattr(datasets, f"load_{name}")(return_X_y=True)
        return X, (y - y.mean()) / y.std() if name == "diabetes" else y

    return load


def _friedman() -> tuple[Array, Array]:
    from sklearn.datasets import make_friedman1

    X, y = make_friedman1(600, noise=1.0, random_state=0)
    return X, (y - y.mean()) / y.std()


def _moons() -> tuple[Array, Array]:
    from sklearn.datasets import make_moons

    X, y = make_moons(600, noise=0.3, random_state=0)
    return X, y


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task("breast-cancer", True, _bundled("breast_cancer")),
        Task("digits", True, _bundled("digits")),
        Task("iris", True, _bundled("iris")),
        Task("moons", True, _moons),
        Task("wine", True, _bundled("wine")),
        Task("diabetes", False, _bundled("diabetes")),
        Task("friedman", False, _friedman),
    )
}
"""By name; ``moons`` and ``friedman`` (number 1) are generated, 600 rows each."""
