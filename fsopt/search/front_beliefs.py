"""What Gaussian processes, one for each objective, make a search believe."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from fsopt.history import BoolArray, FloatArray, History
from fsopt.moo.hypervolume import reference_point
from fsopt.moo.pareto import fronts, nondominated
from fsopt.search.ascent import Box
from fsopt.search.beliefs import around, categorical_columns, modelled_columns
from fsopt.search.estimate import restored
from fsopt.search.feasibility import Feasibility
from fsopt.search.front_acquisition import Units
from fsopt.search.objective import violations
from fsopt.surrogate import (
    MAX_ROWS,
    GaussianProcess,
    Model,
    Points,
    fit_gaussian,
    fit_labels,
    fit_part,
)

_INCUMBENTS = 8
_PART = 1 / 3  # of the trials, that are nearest to a centre
_MOST_NEAR = 100  # trials, however many there are
_BEYOND = 1e-3  # at least, by which a reference point lies beyond the front
_ALL_ROWS = 600  # of the processes of all objectives together
_FRONT_SHARE = 0.5  # at most, of the trials that are kept


@dataclass(frozen=True, slots=True)
class FrontBeliefs:
    """What is thought of configurations with ``m`` objectives."""

    models: tuple[Model, ...]
    processes: tuple[GaussianProcess, ...]
    """The models', which may have seen more since: what is believed of trials without a value."""
    success: GaussianProcess | None
    """Of labels 1 for success and -1 for failure, if there were failures."""
    feasibility: Feasibility
    """Of constraints on outcomes."""
    Y: FloatArray
    """(n, m) The values of the trials seen, in the units of the objectives."""
    allowed: BoolArray
    """(n,) Which of them violate no constraint."""
    pending: int
    """How many of the configurations seen last are evaluated now."""
    columns: BoolArray
    """(d,) Which parameters the processes look at."""
    rows: NDArray[np.intp]
    """(n,) Which trials of the history they have seen."""
    box: Box
    """Where proposals may lie."""

    @classmethod
    def of(cls, history: History) -> FrontBeliefs:
        """Of the whole space, from a history with at least one value."""
        columns = modelled_columns(history.space)
        categorical = categorical_columns(history.space)[columns]
        rows = kept_rows(
            history.Y, history.is_allowed, min(MAX_ROWS, _ALL_ROWS // history.Y.shape[1])
        )
        X, noisy = history.X[:, columns], bool(history.noisy)
        models = tuple(
            fit_gaussian(X, np.ascontiguousarray(y), categorical, noisy=noisy, rows=rows)
            for y in history.Y.T
        )
        failed = history.X_failed[:, columns]
        success = fit_labels(X, failed, categorical) if len(failed) else None
        processes = tuple(model.process for model in models)
        box = Box.whole(len(history.space))
        feasibility = Feasibility.of(X, history.excess, categorical, rows)
        allowed = history.is_allowed[rows]
        beliefs = cls(
            models,
            processes,
            success,
            feasibility,
            history.Y[rows],
            allowed,
            0,
            columns,
            rows,
            box,
        )
        known = beliefs._seeing(history.X_failed[-MAX_ROWS:])
        return known.believing(history.X_pending[-MAX_ROWS:])

    def of_part(
        self, history: History, proposed: FloatArray, rng: np.random.Generator
    ) -> FrontBeliefs:
        """Of the surroundings of one trial of the front, where the objectives may be simpler.

        Args:
            history: As for `of`.
            proposed: (b, d) Unit rows that were proposed in the same call.
            rng: Decides where.
        """
        X, Y = history.X[self.rows], self.Y
        categorical = self.processes[0].points.categorical
        centre = rng.choice(self.incumbents(history, rng))
        points = Points.of(X[:, self.columns], categorical)
        here = Points.of(centre[np.newaxis, self.columns], categorical)
        D2 = points.pairs(here).squares.sum(axis=0)[:, 0]
        most = max(int(len(X) * _PART), 2 * len(categorical) + 4)
        near = np.sort(np.argsort(D2, kind="stable")[: min(most, _MOST_NEAR)])
        models = tuple(
            fit_part(X[near][:, self.columns], y, categorical, model, noisy=bool(history.noisy))
            for y, model in zip(Y[near].T, self.models, strict=True)
        )
        box = around(centre, X[near], categorical_columns(history.space))
        processes = tuple(model.process for model in models)
        part = replace(
            self,
            models=models,
            processes=processes,
            Y=Y[near],
            allowed=self.allowed[near],
            rows=self.rows[near],
            box=box,
            pending=0,
        )
        known = part._seeing(history.X_failed[-MAX_ROWS:])
        return known.believing(np.concatenate([history.X_pending[-MAX_ROWS:], proposed]))

    def believing(self, units: FloatArray) -> FrontBeliefs:
        """The same, as if unit rows (q, d) had the values that are expected of them."""
        return replace(self._seeing(units), pending=self.pending + len(units))

    def _seeing(self, units: FloatArray) -> FrontBeliefs:
        X = units[:, self.columns]
        return replace(self, processes=tuple(one.believing(X) for one in self.processes))

    def values(self) -> FloatArray:
        """(n + q, m) The means of the trials with values, and of those that are evaluated."""
        means = np.column_stack([process.seen() for process in self.processes])
        return np.concatenate([means[: len(self.rows)], means[len(means) - self.pending :]])

    def to_improve(self) -> FloatArray:
        """(k, m) Of these, the ones that an improvement is an improvement on.

        Those that violate no constraint, and those that run if there are no constraints.
        """
        values, running = self.values(), not self.feasibility.processes
        some: FloatArray = values[np.append(self.allowed, np.full(self.pending, running))]
        return some

    def units(self) -> tuple[Units, ...]:
        """For each objective, what maps the scale of its process to its own units."""
        return tuple(
            partial(restored, z=model.process.values(), y=y)
            for model, y in zip(self.models, self.Y.T, strict=True)
        )

    def reference(self, values: FloatArray) -> FloatArray:
        """(m,) A point a little worse than the front of values (k, m), in the objectives' units.

        All are on the scales of the processes, where it is found as in `reference_point`.
        """
        own = [to_units(column) for to_units, column in zip(self.units(), values.T, strict=True)]
        point = reference_point(np.column_stack(own))
        back = [
            float(restored(point[j : j + 1], z=y, y=model.process.values())[0])
            for j, (model, y) in enumerate(zip(self.models, self.Y.T, strict=True))
        ]
        # beyond the worst values the scales may be flat
        worst = values[nondominated(values)].max(axis=0)
        reference: FloatArray = np.maximum(back, worst + _BEYOND)
        return reference

    def incumbents(self, history: History, rng: np.random.Generator) -> FloatArray:
        """(b, d) Some trials of the front, or those that violate least, in random order."""
        if not self.allowed.any():
            best = np.argsort(violations(history.excess[self.rows]), kind="stable")[:_INCUMBENTS]
        else:
            candidates = np.flatnonzero(self.allowed)
            best = candidates[nondominated(self.values()[candidates])]
        some: FloatArray = history.X[self.rows[rng.permutation(best)[:_INCUMBENTS]]]
        return some

    def distance(self, units: FloatArray) -> FloatArray:
        """(k,) As `Beliefs.distance`."""
        return self.processes[0].points.nearest(units[:, self.columns])


def kept_rows(Y: FloatArray, allowed: BoolArray, limit: int) -> NDArray[np.intp]:
    """The most useful trials where there are too many.

    Up to half are the best by the fronts that they are in, the others evenly spaced in time.

    Args:
        Y: (n, m) Values, to be minimised.
        allowed: (n,) Which violate no constraint; these are the better ones.
        limit: How many to keep.

    Returns:
        (min(n, limit),) Their indices, ascending.
    """
    if len(Y) <= limit:
        return np.arange(len(Y))
    order = np.lexsort([fronts(Y), ~allowed])
    share = int(limit * _FRONT_SHARE)
    kept = np.zeros(len(Y), dtype=np.bool_)
    kept[order[:share]] = True
    rest = np.flatnonzero(~kept)
    kept[rest[np.linspace(0, len(rest) - 1, limit - share).astype(np.intp)]] = True
    return np.flatnonzero(kept)
