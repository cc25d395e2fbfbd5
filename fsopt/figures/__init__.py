"""Figures of a study: `fsopt.figures.history(study)`, and so on; see ``docs/figures.md``.

Each function takes a `fsopt.Study` and gives a `Figure`, which shows itself in notebooks and can
be saved as PNG, SVG, PDF or HTML. Those about one objective take its name as ``objective``;
``contour`` and ``scatter3d`` take names of parameters as ``params``, or find the most important.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from fsopt.figures.catalogue import FIGURES, Choice
from fsopt.figures.catalogue import chart as _chart
from fsopt.figures.chart import Chart
from fsopt.figures.data import read
from fsopt.figures.figure import Figure

if TYPE_CHECKING:
    from fsopt.study import Study

__all__ = [
    "FIGURES",
    "Chart",
    "Figure",
    "contour",
    "correlation",
    "curves",
    "dependence",
    "ecdf",
    "ensemble",
    "failures",
    "figure",
    "history",
    "importance",
    "parallel",
    "pareto",
    "prior",
    "regret",
    "scatter3d",
    "slice",
    "timeline",
]


def figure(
    study: Study,
    name: str,
    *,
    objective: str | None = None,
    params: Sequence[str] = (),
    optimum: float | None = None,
) -> Figure:
    """A figure by its name.

    Args:
        study: The study, as far as this process knows it; see `fsopt.Study.sync`.
        name: One of `FIGURES`.
        objective: Which one it is about; the first unless given.
        params: Which parameters it is about, of those figures that are about a few.
        optimum: The best possible value, for regret.

    Raises:
        StudyError: If there is no such figure, or nothing to show in it yet.
    """
    data = read(study)
    choice = Choice(objective=objective, params=params, optimum=optimum)
    return Figure(_chart(data, name, choice), data)


class _Named(Protocol):
    def __call__(
        self,
        study: Study,
        *,
        objective: str | None = None,
        params: Sequence[str] = (),
        optimum: float | None = None,
    ) -> Figure: ...


def _named(name: str) -> _Named:
    def draw(
        study: Study,
        *,
        objective: str | None = None,
        params: Sequence[str] = (),
        optimum: float | None = None,
    ) -> Figure:
        return figure(study, name, objective=objective, params=params, optimum=optimum)

    draw.__name__ = draw.__qualname__ = name
    draw.__doc__ = f"The figure ``{name}`` of a study; see `figure`."
    return draw


contour = _named("contour")
correlation = _named("correlation")
curves = _named("curves")
dependence = _named("dependence")
ecdf = _named("ecdf")
ensemble = _named("ensemble")
failures = _named("failures")
history = _named("history")
importance = _named("importance")
parallel = _named("parallel")
pareto = _named("pareto")
prior = _named("prior")
regret = _named("regret")
scatter3d = _named("scatter3d")
slice = _named("slice")
timeline = _named("timeline")
