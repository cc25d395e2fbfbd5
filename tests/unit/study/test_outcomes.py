"""Constraints on outcomes, from the objective's result to the best trial."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import fsopt
from fsopt.config import RESERVED_NAMES, RESERVED_PREFIXES
from fsopt.errors import StudyError, StudyMismatchError
from fsopt.view.summary import best_summary

SPACE = fsopt.Space(fsopt.Float("x", 0.0, 1.0))
ONE = fsopt.StudyConfig(
    space=SPACE,
    objectives={"accuracy": "maximize"},
    constraints_on={"memory_gb": "<= 16"},
    seed=1,
    optimizer=fsopt.RandomSearch(),
)
TWO = fsopt.StudyConfig(
    space=SPACE,
    objectives={"accuracy": "maximize", "latency": "minimize"},
    constraints_on={"memory_gb": "<= 16", "latency": "<= 5"},
    seed=1,
    optimizer=fsopt.RandomSearch(),
)


def told(
    config: fsopt.StudyConfig, *results: object, directory: Path | None = None
) -> fsopt.Study:
    study = fsopt.create_study(directory, config)
    for result in results:
        study.tell(study.ask(), result)
    return study


def test_the_best_keeps_the_limits() -> None:
    study = told(
        ONE,
        {"accuracy": 0.9, "memory_gb": 17.0},
        {"accuracy": 0.7, "memory_gb": 16.0},
        {"accuracy": 0.6, "memory_gb": 2},
    )
    assert study.best is not None
    assert study.best.number == 1
    assert study.best.value == 0.7
    assert study.best.values == {"accuracy": 0.7}
    assert study.best.outcomes == {"memory_gb": 16.0}
    assert best_summary(study)["outcomes"] == {"memory_gb": 16.0}
    assert study.trials()["memory_gb"].tolist() == [17.0, 16.0, 2.0]


def test_there_is_no_best_while_all_violate_a_limit() -> None:
    study = told(ONE, {"accuracy": 0.9, "memory_gb": 17.0})
    assert study.best is None


def test_the_front_keeps_limits_of_outcomes_and_of_objectives() -> None:
    study = told(
        TWO,
        {"accuracy": 0.9, "latency": 4.0, "memory_gb": 8.0},
        {"accuracy": 0.8, "latency": 1.0, "memory_gb": 8.0},
        {"accuracy": 0.95, "latency": 6.0, "memory_gb": 8.0},
        {"accuracy": 0.99, "latency": 0.5, "memory_gb": 16.5},
        {"accuracy": 0.7, "latency": 2.0, "memory_gb": 1.0},
    )
    assert [trial.number for trial in study.pareto_front] == [0, 1]
    assert dict(study.pareto_front[0].values) == {"accuracy": 0.9, "latency": 4.0}


def test_a_result_without_the_outcome_is_a_failure() -> None:
    study = told(ONE, {"accuracy": 0.9}, 0.9)
    assert study.trials()["state"].tolist() == ["failed", "failed"]
    assert "memory_gb" in study.trials()["error"][0]


def test_another_process_knows_the_limits(tmp_path: Path) -> None:
    told(
        ONE,
        {"accuracy": 0.9, "memory_gb": 17.0},
        {"accuracy": 0.7, "memory_gb": 16.0},
        directory=tmp_path / "s",
    ).close()
    study = fsopt.open_study(tmp_path / "s")
    assert study.best is not None
    assert study.best.number == 1
    history = study.session.history()
    assert history.excess.tolist() == [[1.0], [0.0]]
    assert history.Y.tolist() == [[-0.9], [-0.7]]


def test_who_has_other_limits_can_not_join(tmp_path: Path) -> None:
    told(ONE, directory=tmp_path / "s").close()
    other = fsopt.StudyConfig(
        space=SPACE, objectives=ONE.objectives, constraints_on={"memory_gb": "<= 17"}
    )
    with pytest.raises(StudyMismatchError, match="the constraints on outcomes are"):
        fsopt.create_study(tmp_path / "s", other)


def test_studies_without_limits_are_recorded_as_before(tmp_path: Path) -> None:
    plain = fsopt.StudyConfig(space=SPACE, objectives=ONE.objectives)
    told(plain, directory=tmp_path / "s").close()
    assert "constraints_on" not in json.loads((tmp_path / "s" / "study.json").read_text())


def test_a_limit_that_is_none_is_refused() -> None:
    with pytest.raises(StudyError, match="the limit of 'memory_gb'"):
        fsopt.StudyConfig(space=SPACE, constraints_on={"memory_gb": "16 GB"})


@pytest.mark.parametrize("name", ["error", "steps", "param.x", "user.size", "_frozen"])
def test_no_outcome_is_called_like_another_column(name: str) -> None:
    with pytest.raises(StudyError, match=f"can't be called '{name}'"):
        fsopt.StudyConfig(space=SPACE, objectives={name: "minimize"})
    with pytest.raises(StudyError, match=f"can't be called '{name}'"):
        fsopt.StudyConfig(space=SPACE, constraints_on={name: "<= 1"})


def test_reserved_are_just_the_columns_that_all_studies_have(tmp_path: Path) -> None:
    study = told(ONE, {"accuracy": 0.9, "memory_gb": 1.0}, directory=tmp_path / "s")
    study.compact()
    (snapshot,) = (tmp_path / "s" / "snapshot").glob("*.parquet")
    columns = {*study.trials().columns, *pq.read_schema(snapshot).names}
    fixed = {name for name in columns if not name.startswith(RESERVED_PREFIXES)}
    assert fixed - {"accuracy", "memory_gb"} == RESERVED_NAMES
