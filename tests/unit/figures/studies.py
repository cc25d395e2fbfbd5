"""Studies to be drawn: quick to make, with everything that figures show."""

from __future__ import annotations

import math

import fsopt
from fsopt import Categorical, Float, Int, Space
from fsopt.figures.data import StudyData, read

SPACE = Space(
    Float("rate", 1e-4, 1.0, log=True),
    Int("units", 8, 128, log=True),
    Int("layers", 1, 3),
    Categorical("solver", ["adam", "sgd"]),
    Float("momentum", 0.0, 0.99),
    conditions={"momentum": "solver == 'sgd'"},
)


def objective(trial: fsopt.Trial) -> dict[str, float]:
    if trial["units"] > 100 and trial["layers"] == 3:
        raise MemoryError("out of memory")
    loss = (math.log10(trial["rate"]) + 2) ** 2 + 0.1 * trial["layers"]
    for step in (1, 2, 3):
        trial.report(loss + 1 / step, step=step)
    return {"loss": loss, "cost": trial["units"] * trial["layers"]}


def rich_study(trials: int = 60) -> fsopt.Study:
    """Two objectives, curves, failures, a conditional parameter."""
    study = fsopt.create_study(
        None,
        space=SPACE,
        objectives={"loss": "minimize", "cost": "minimize"},
        seed=3,
        optimizer=fsopt.RandomSearch(),
    )
    study.run(objective, trials=trials)
    return study


def study_of(
    values: list[float | fsopt.Failure], direction: str = "minimize", space: Space | None = None
) -> fsopt.Study:
    """A study in memory whose trials ended in this order with these values."""
    study = fsopt.create_study(
        None,
        space=space or Space(Float("x", 0.0, 1.0)),
        objectives={"value": direction},
        seed=1,
        optimizer=fsopt.RandomSearch(),
    )
    for value in values:
        study.tell(study.ask(), value)
    return study


def data_of(values: list[float | fsopt.Failure], direction: str = "minimize") -> StudyData:
    return read(study_of(values, direction))
