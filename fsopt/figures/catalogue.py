"""The figures by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fsopt.errors import StudyError
from fsopt.figures import fronts, predicted, progress, runs, spaces
from fsopt.figures.chart import Chart
from fsopt.figures.data import StudyData
from fsopt.figures.models import importance as importances


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a user may say of a figure."""

    objective: str | None = None
    """Which objective it is about; the first unless given."""
    params: Sequence[str] = ()
    """Which parameters it is about; the most important ones unless given."""
    optimum: float | None = None
    """The best possible value, if it is known."""


def most_important(data: StudyData, count: int, objective: str | None) -> list[str]:
    """The names of the parameters that matter most.

    Raises:
        StudyError: If the space has fewer that vary, or too few trials have values.
    """
    found = importances(data, objective)
    if len(found.names) < count:
        raise StudyError(f"only {len(found.names)} parameters vary; this figure has {count}")
    return [found.names[i] for i in found.ordered()[:count]]


def _chosen(data: StudyData, choice: Choice, count: int) -> Sequence[str]:
    return choice.params or most_important(data, count, choice.objective)


def _cube(data: StudyData, choice: Choice) -> Chart:
    return spaces.scatter3d(data, _chosen(data, choice, 3), objective=choice.objective)


def _contour(data: StudyData, choice: Choice) -> Chart:
    return predicted.contour(data, _chosen(data, choice, 2), objective=choice.objective)


def _regret(data: StudyData, choice: Choice) -> Chart:
    return progress.regret([data], objective=choice.objective, optimum=choice.optimum)


FIGURES: Mapping[str, Callable[[StudyData, Choice], Chart]] = {
    "history": lambda data, _: progress.history(data),
    "regret": _regret,
    "pareto": lambda data, _: fronts.pareto(data),
    "parallel": lambda data, c: spaces.parallel(data, objective=c.objective),
    "slice": lambda data, c: spaces.slices(data, objective=c.objective),
    "importance": lambda data, c: predicted.importance(data, objective=c.objective),
    "dependence": lambda data, c: predicted.partial(data, objective=c.objective),
    "contour": _contour,
    "scatter3d": _cube,
    "correlation": lambda data, _: spaces.correlation(data),
    "curves": lambda data, _: runs.curves(data),
    "timeline": lambda data, _: runs.timeline(data),
    "ecdf": lambda data, c: progress.ecdf([data], objective=c.objective),
    "failures": lambda data, _: spaces.failures(data),
    "ensemble": lambda data, _: fronts.ensemble(data),
}
"""What computes each figure, in the order in which a report shows them."""


def chart(data: StudyData, name: str, choice: Choice | None = None) -> Chart:
    """One figure.

    Args:
        data: The study.
        name: One of `FIGURES`.
        choice: What it is about.

    Raises:
        StudyError: If there is no such figure or objective, or nothing to show in it.
    """
    if name not in FIGURES:
        raise StudyError(f"there is no figure {name!r}; there are {', '.join(FIGURES)}")
    choice = choice or Choice()
    data.objective(choice.objective)  # also where a figure shows all of them
    return FIGURES[name](data, choice)
