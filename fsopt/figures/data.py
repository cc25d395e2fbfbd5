"""What figures are made of: the table of a study's trials, and the same as arrays."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fsopt.errors import StudyError
from fsopt.figures.chart import Axis, FloatArray, IntArray, ScaleName, Shade, ends
from fsopt.objectives import Direction, Objectives
from fsopt.prior import Mixture
from fsopt.space import Categorical, Constant, Int, Ordinal, Parameter, Space
from fsopt.study import Study
from fsopt.view.utilization import Evaluations, evaluations

if TYPE_CHECKING:
    import pandas as pd

    from fsopt.events import EnsembleBuilt

BoolArray = NDArray[np.bool_]

_WIDE = 100.0
"""Values of one sign that span more than this factor are shown on a logarithmic axis."""


@dataclass(frozen=True)
class StudyData:
    """A study as figures see it. Made by `read`."""

    name: str
    space: Space
    objectives: Objectives
    seed: int
    table: pd.DataFrame
    """One row for each of ``n`` trials; the columns are described in ``docs/output.md``."""
    reports: pd.DataFrame
    """One row for each reported step."""
    rows: FloatArray
    """(n, d) The same configurations as in `fsopt.space`; NaN where inactive or unknown."""
    evaluations: Evaluations
    """When who evaluated what."""
    ensembles: tuple[EnsembleBuilt, ...] = ()
    mixtures: tuple[Mixture, ...] = ()
    """What each earlier study, and then the user, said of where good values are."""

    @cached_property
    def numbers(self) -> IntArray:
        """(n,) The trials."""
        return self.table["trial"].to_numpy(dtype=np.int64)

    @cached_property
    def states(self) -> NDArray[Any]:
        """(n,) The names of their states."""
        return self.table["state"].to_numpy(dtype=object)

    def having(self, *states: str) -> BoolArray:
        """(n,) Which trials are in one of the states."""
        return np.isin(self.states.astype(str), states)

    @cached_property
    def values(self) -> FloatArray:
        """(n, m) The objectives as reported; NaN without a value."""
        return self.table[list(self.objectives.directions)].to_numpy(dtype=np.float64)

    @cached_property
    def losses(self) -> FloatArray:
        """(n, m) The objectives, to be minimised."""
        return self.objectives.to_minimise(self.values)

    @cached_property
    def is_completed(self) -> BoolArray:
        """(n,) Which trials are completed and within all limits: those that can be the best."""
        outcomes = self.table[list(self.objectives.names)].to_numpy(dtype=np.float64)
        allowed = np.zeros(len(self.table), dtype=np.bool_)
        done = self.having("completed")
        allowed[done] = self.objectives.are_allowed(outcomes[done])
        return allowed

    @cached_property
    def finished_at(self) -> FloatArray:
        """(n,) Seconds since the study's first event; NaN for unfinished trials."""
        return self._seconds("finished_at")

    @cached_property
    def by_end(self) -> IntArray:
        """(k,) Positions of the k finished trials in the order in which they ended."""
        finished = np.flatnonzero(~np.isnan(self.finished_at))
        order: IntArray = finished[np.argsort(self.finished_at[finished], kind="stable")]
        return order

    @cached_property
    def units(self) -> FloatArray:
        """(n, d) Unit rows, as surrogates see configurations."""
        return self.space.to_unit(self.rows)

    def objective(self, name: str | None) -> int:
        """The index of an objective; without a name, of the first.

        Raises:
            StudyError: If there is none of that name.
        """
        names = list(self.objectives.directions)
        if name is None:
            return 0
        if name not in names:
            raise StudyError(f"{self.name} has no objective {name!r}; it has {', '.join(names)}")
        return names.index(name)

    def column(self, name: str) -> int:
        """The index of a parameter.

        Raises:
            StudyError: If there is none of that name.
        """
        names = self.space.names
        if name not in names:
            raise StudyError(f"{self.name} has no parameter {name!r}; it has {', '.join(names)}")
        return names.index(name)

    @property
    def varying(self) -> list[int]:
        """The columns of parameters that have more than one value."""
        return [i for i, p in enumerate(self.space.parameters) if p.levels != 1]

    def signed(self, losses: FloatArray, index: int) -> FloatArray:
        """(k,) Values of one objective as reported, of losses (k,) to be minimised."""
        table = np.zeros((len(losses), len(self.objectives.directions)))
        table[:, index] = losses
        # what turns values into those to be minimised turns them back as well
        return self.objectives.to_minimise(table)[:, index]

    def value_axis(self, index: int = 0) -> Axis:
        """The axis of an objective."""
        values = self.values[:, index]
        known = values[~np.isnan(values)]
        scale = scale_of(known)
        low, high = ends(known, scale=scale)
        return Axis(label=self.objective_label(index), scale=scale, low=low, high=high)

    def value_shade(self, index: int = 0) -> Shade:
        """Colours of an objective: what is better is darker, to be seen before all else.

        They stop at the worst tenth, so that a few bad values do not make all others alike.
        """
        known = np.sort(self.losses[~np.isnan(self.losses[:, index]), index])
        spread = known[[0, int(0.9 * (len(known) - 1))]]
        low, high = sorted(self.signed(spread, index).tolist())
        scale = scale_of(known if self.minimises(index) else -known)
        return Shade(
            label=self.objective_label(index),
            scale=scale,
            low=low,
            high=high if high > low else low + (abs(low) or 1.0) * 1e-9,
            reverse=not self.minimises(index),
        )

    def objective_label(self, index: int = 0) -> str:
        """The name of an objective."""
        return list(self.objectives.directions)[index]

    def minimises(self, index: int = 0) -> bool:
        """Whether less is better."""
        return list(self.objectives.directions.values())[index] is Direction.MINIMIZE

    def valued(self, index: int = 0) -> BoolArray:
        """(n,) Which trials have a value and a known configuration."""
        known: BoolArray = ~np.isnan(self.values[:, index])
        return known & ~np.isnan(self.rows).all(axis=1)

    def _seconds(self, column: str) -> FloatArray:
        given = self.table[[column, "started_at"]]
        begin = given["started_at"].min()
        seconds: FloatArray = (given[column] - begin).dt.total_seconds().to_numpy(dtype=np.float64)
        return seconds


def read(study: Study) -> StudyData:
    """A study, as far as this process knows it.

    Raises:
        StorageError: If the directory can't be read.
    """
    table = study.trials()
    found = study.state.trials.configurations()
    rows = np.full((len(table), len(study.config.space)), np.nan)
    rows[np.searchsorted(table["trial"].to_numpy(), found.numbers)] = found.rows
    believed = Mixture.believed(study.config.space)
    sources = [source.mixture for source in study.session.history().prior]
    return StudyData(
        name=name_of(study),
        space=study.config.space,
        objectives=study.session.objectives,
        seed=study.config.seed or 0,
        table=table,
        reports=study.reports(),
        rows=rows,
        evaluations=evaluations(study.state, time.time()),
        ensembles=tuple(built for built, _ in study.state.ensembles.values()),
        mixtures=(*sources, *([] if believed is None else [believed])),
    )


def name_of(study: Study) -> str:
    """What a study is called: its directory."""
    return str(study.directory or "study in memory")


def focus(data: StudyData, index: int = 0) -> Axis:
    """The axis of an objective without the values that would flatten all others.

    It reaches from the best value over three times the distance to the upper quartile, where
    values go on for more than twice of that.
    """
    axis = data.value_axis(index)
    values = data.values[data.is_completed, index]
    if not len(values):
        return axis
    sign = 1.0 if data.minimises(index) else -1.0
    places = sign * (np.log(values) if axis.scale == "log" else values)
    best, quartile = float(places.min()), float(np.quantile(places, 0.75))
    limit = best + 3 * (quartile - best)
    if limit == best or places.max() - best <= 2 * (limit - best):
        return axis
    shown = sign * np.array([best, limit])
    low, high = ends(np.exp(shown) if axis.scale == "log" else shown, scale=axis.scale)
    return replace(axis, low=low, high=high)


def worst_shown(axis: Axis, *, minimise: bool) -> float:
    """The worst value that an axis shows well: just before its end."""
    low, high = float(axis.low or 0.0), float(axis.high or 0.0)
    if axis.scale == "log":
        return float(high * (low / high) ** 0.02 if minimise else low * (high / low) ** 0.02)
    return high - (high - low) * 0.02 if minimise else low + (high - low) * 0.02


def parameter_axis(parameter: Parameter) -> Axis:
    """The axis of a parameter, from its lowest to its highest value."""
    if isinstance(parameter, Categorical | Ordinal | Constant):
        names = tuple(str(parameter.value_of(i)) for i in range(parameter.levels))
        return Axis(label=parameter.name, names=names, low=-0.5, high=len(names) - 0.5)
    scale: ScaleName = "log" if parameter.log else "linear"
    return Axis(
        label=parameter.name,
        scale=scale,
        low=parameter.low,
        high=parameter.high,
        whole=isinstance(parameter, Int),
    )


def with_room(axis: Axis) -> Axis:
    """An axis that goes on a little beyond its ends, so that points there are seen whole."""
    if axis.names or axis.low is None or axis.high is None:
        return axis
    low, high = ends((axis.low, axis.high), scale=axis.scale)
    return replace(axis, low=low, high=high)


def scale_of(values: FloatArray) -> ScaleName:
    """``"log"`` for positive values that span several orders of magnitude, else ``"linear"``."""
    if len(values) and values.min() > 0 and values.max() > _WIDE * values.min():
        return "log"
    return "linear"


def require(present: object, what: str) -> None:
    """Make sure that there is something to show.

    Raises:
        StudyError: If there is not; the message says what is missing.
    """
    if not present:
        raise StudyError(what)


def time_unit(seconds: float) -> tuple[float, str]:
    """How many seconds the unit has in which a duration is best told, and what it is called."""
    for size, name in ((86_400.0, "days"), (3600.0, "hours"), (60.0, "minutes")):
        if seconds >= 2 * size:
            return size, name
    return 1.0, "seconds"
