"""What a surrogate says of the objective: importance of parameters, partial dependence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fsopt.figures.chart import FloatArray, IntArray
from fsopt.figures.data import BoolArray, StudyData, require
from fsopt.figures.fanova import Distribution, fanova
from fsopt.history import row_hashes
from fsopt.search.estimate import restored, restored_deviation
from fsopt.search.objective import ranks
from fsopt.space import Categorical
from fsopt.space.sampling import sample
from fsopt.streams import stream
from fsopt.surrogate import (
    MAX_ROWS,
    Forest,
    ForestOptions,
    Surrogate,
    fit_forest,
    fit_gaussian,
)

MIN_TRIALS = 10
"""A model of fewer trials says nothing."""

_MAX_TRIALS = 2000
"""Models are fitted to so many trials at most, drawn at random."""

_BACKGROUND = 96
"""Dependences are means over so many random configurations."""

_LEAF = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How much each of ``d`` parameters matters, and each of ``p`` pairs."""

    names: tuple[str, ...]
    """(d,) The parameters that vary."""
    fanova: FloatArray
    """(d,) The share of the variance that each explains alone."""
    fanova_deviation: FloatArray
    """(d,) How much the trees of the forest differ about that."""
    permutation: FloatArray
    """(d,) By which share of the variance predictions get worse without it."""
    pairs: IntArray
    """(p, 2) As indices of the names."""
    interactions: FloatArray
    """(p,) The share that two explain together, beyond what each does alone."""
    explained: float
    """Which share of the variance of unseen trials the forest predicts."""

    def ordered(self) -> list[int]:
        """The parameters, the one that explains most first."""
        order: list[int] = np.argsort(-self.fanova, kind="stable").tolist()
        return order


def importance(data: StudyData, objective: str | None = None) -> Importance:
    """Which parameters matter for an objective.

    Of the ranks of values, so that a few terrible trials do not decide all. Parameters count as
    independent; being inactive is a value of its own, as likely as among random configurations.

    Args:
        data: The study.
        objective: Which one; the first unless given.

    Raises:
        StudyError: If too few trials have values, or no parameter varies.
    """
    X, y = training(data, data.objective(objective))
    columns = data.varying
    require(columns, "no parameter varies; there is nothing to compare")
    X, z = X[:, columns], ranks(y)
    rng = stream(data.seed, "figures.importance")
    options = ForestOptions(trees=32, min_samples_leaf=_LEAF, splits="best", bootstrap=1.0)
    found = fanova(fit_forest(X, z, rng, options), _distributions(data, columns))
    spread, explained = _permutation(X, z, rng, options)
    has_trees = len(found.single) > 0
    blank = np.zeros(len(columns))
    return Importance(
        names=tuple(data.space.names[i] for i in columns),
        fanova=found.single.mean(axis=0) if has_trees else blank,
        fanova_deviation=found.single.std(axis=0) if has_trees else blank,
        permutation=spread,
        pairs=found.pairs,
        interactions=found.together.mean(axis=0) if has_trees else np.zeros(len(found.pairs)),
        explained=explained,
    )


def training(data: StudyData, index: int) -> tuple[FloatArray, FloatArray]:
    """The configurations (n, d) and values (n,), to be minimised, that models learn.

    Raises:
        StudyError: If they are too few.
    """
    at = np.flatnonzero(data.valued(index))
    require(
        len(at) >= MIN_TRIALS,
        f"{len(at)} trials have values; a model needs at least {MIN_TRIALS}",
    )
    if len(at) > _MAX_TRIALS:
        at = np.sort(stream(data.seed, "figures.training").permutation(at)[:_MAX_TRIALS])
    return data.units[at], data.losses[at, index]


def _distributions(data: StudyData, columns: Sequence[int]) -> list[Distribution]:
    inactive = np.zeros(len(columns))
    if data.space.conditions:
        drawn = sample(data.space, 2048, stream(data.seed, "figures.activity"))
        inactive = np.isnan(drawn[:, columns]).mean(axis=0)
    found = []
    for column, share in zip(columns, inactive.tolist(), strict=True):
        parameter = data.space.parameters[column]
        is_even = not getattr(parameter, "log", False)
        found.append(Distribution(share, parameter.levels if is_even else None))
    return found


def _permutation(
    X: FloatArray, z: FloatArray, rng: np.random.Generator, options: ForestOptions
) -> tuple[FloatArray, float]:
    """By how much shuffling each column makes predictions worse, and how good they are.

    Breiman, "Random forests", Machine Learning 45, 2001, section 10; on halves of the trials that
    the forest has not seen. Both as shares of the variance.
    """
    parts = np.array_split(rng.permutation(len(z)), 2)
    worse, error = np.zeros(X.shape[1]), 0.0
    for seen, unseen in ((0, 1), (1, 0)):
        train, test = parts[seen], parts[unseen]
        forest = fit_forest(X[train], z[train], rng, options)
        base = _squared_error(forest, X[test], z[test])
        error += base
        for column in range(X.shape[1]):
            shuffled = X[test].copy()
            shuffled[:, column] = rng.permutation(shuffled[:, column])
            worse[column] += _squared_error(forest, shuffled, z[test]) - base
    total = float(((z - z.mean()) ** 2).sum())
    if total == 0:
        return np.zeros(X.shape[1]), 0.0
    return np.maximum(worse, 0.0) / total, max(0.0, 1 - error / total)


def _squared_error(forest: Forest, X: FloatArray, z: FloatArray) -> float:
    return float(((forest.predict(X).mean - z) ** 2).sum())


@dataclass(frozen=True, slots=True)
class Model:
    """A surrogate of one objective, and how its scale maps to the objective's units."""

    surrogate: Surrogate
    varying: BoolArray
    """(d,) Which columns it was fitted to."""
    z: FloatArray
    """(n,) The values on its scale."""
    y: FloatArray
    """(n,) The same, to be minimised."""
    kind: str

    def dependence(self, U: FloatArray, groups: IntArray, count: int) -> tuple[FloatArray, ...]:
        """Means over groups of configurations.

        Args:
            U: (k, d) Unit rows.
            groups: (k,) To which group each belongs, from 0.
            count: How many groups there are.

        Returns:
            (g,) The mean expected values, to be minimised, and (g,) the mean standard deviations;
            NaN where a group is empty.
        """
        found = self.surrogate.predict(U[:, self.varying])
        mean = restored(found.mean, self.z, self.y)
        deviation = restored_deviation(found.mean, found.epistemic, self.z, self.y)
        size = np.bincount(groups, minlength=count).astype(np.float64)
        size[size == 0] = np.nan
        return tuple(
            np.bincount(groups, weights=each, minlength=count) / size for each in (mean, deviation)
        )


def fit(data: StudyData, index: int) -> Model:
    """A Gaussian process of an objective, or a forest where there are many trials.

    As in `fsopt.search.estimate.posterior`.

    Raises:
        StudyError: If too few trials have values.
    """
    X, y = training(data, index)
    varying = np.array([p.levels != 1 for p in data.space.parameters], dtype=np.bool_)
    require(varying.any(), "no parameter varies; there is nothing to show")
    different = len(np.unique(row_hashes(X)))
    if different <= MAX_ROWS:
        categorical = np.array([isinstance(p, Categorical) for p in data.space.parameters])
        process = fit_gaussian(X[:, varying], y, categorical[varying]).process
        return Model(process, varying, process.values(), y, "Gaussian process")
    options = ForestOptions(min_samples_leaf=5, max_features=1.0)
    z = ranks(y)
    forest = fit_forest(X[:, varying], z, stream(data.seed, "figures.model"), options)
    return Model(forest, varying, z, y, "random forest")


def dependence(
    data: StudyData, model: Model, columns: Sequence[int], positions: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """What a model expects, on average over all other parameters.

    Friedman, "Greedy function approximation: a gradient boosting machine", Annals of Statistics
    29, 2001, section 8.2. The mean is over random valid configurations; those in which one of the
    given parameters is inactive do not count.

    Args:
        data: The study.
        model: Of one of its objectives.
        columns: Which parameters are given.
        positions: (g, len(columns)) At which unit positions.

    Returns:
        (g,) The expected values, to be minimised, and (g,) their mean standard deviations.
    """
    drawn = sample(data.space, _BACKGROUND, stream(data.seed, "figures.background"))
    drawn = np.where(np.isnan(drawn), 0.5, drawn)
    groups = np.repeat(np.arange(len(positions)), len(drawn))
    U = np.tile(drawn, (len(positions), 1))
    U[:, columns] = positions[groups]
    snapped = data.space.snap(U)
    active = ~np.isnan(snapped[:, columns]).any(axis=1)
    mean, deviation = model.dependence(snapped[active], groups[active], len(positions))
    return mean, deviation
