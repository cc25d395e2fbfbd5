from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

import fsopt
from fsopt.errors import PriorError
from fsopt.space import Categorical, Constant, Float, Int
from fsopt.transfer import Evaluations, read

LOSS = {"loss": "minimize"}
DISTRIBUTIONS = {
    "x": {"name": "FloatDistribution", "attributes": {"low": 0.0, "high": 1.0, "log": False}},
    "n": {"name": "IntDistribution", "attributes": {"low": 1, "high": 5, "log": False}},
    "c": {"name": "CategoricalDistribution", "attributes": {"choices": ["a", None]}},
}
TRIALS = [  # parameters as Optuna stores them, its state, and the value
    ({"x": 0.5, "n": 2.0, "c": 0}, 1, 3.5),
    ({"x": 0.25, "n": 5.0, "c": 1}, 1, 1.5),
    ({"x": 0.75, "n": 1.0, "c": 0}, 2, None),
    ({"x": 0.1, "n": 1.0, "c": 0}, 3, None),
]
EXPECTED = [{"x": 0.5, "n": 2, "c": "a"}, {"x": 0.25, "n": 5, "c": None}]


def journal(path: Path, *studies: str) -> Path:
    entries: list[dict[str, object]] = []
    for key, study in enumerate(studies):
        entries.append({"op_code": 0, "study_name": study, "directions": [2]})
        for place, (params, state, value) in enumerate(TRIALS):
            trial = key * len(TRIALS) + place
            entries.append({"op_code": 4, "study_id": key, "datetime_start": "2026-01-01"})
            for name, number in params.items():
                entry = {"op_code": 5, "trial_id": trial, "param_name": name}
                text = json.dumps(DISTRIBUTIONS[name])
                entries.append(entry | {"param_value_internal": number, "distribution": text})
            values = None if value is None else [value]
            entries.append({"op_code": 6, "trial_id": trial, "state": state, "values": values})
    path.write_text("".join(f"{json.dumps(entry)}\n" for entry in entries))
    return path


def database(path: Path, *studies: str) -> Path:
    states = {1: "COMPLETE", 2: "PRUNED", 3: "FAIL"}
    with closing(sqlite3.connect(path)) as made:
        made.executescript(
            "CREATE TABLE studies (study_id, study_name);"
            "CREATE TABLE study_directions (study_id, objective, direction);"
            "CREATE TABLE trials (trial_id, number, study_id, state);"
            "CREATE TABLE trial_params (trial_id, param_name, param_value, distribution_json);"
            "CREATE TABLE trial_values (trial_id, objective, value);"
        )
        for key, study in enumerate(studies):
            made.execute("INSERT INTO studies VALUES (?, ?)", (key, study))
            made.execute("INSERT INTO study_directions VALUES (?, 0, 'MAXIMIZE')", (key,))
            for place, (params, state, value) in enumerate(TRIALS):
                trial = key * len(TRIALS) + place
                row = (trial, place, key, states[state])
                made.execute("INSERT INTO trials VALUES (?, ?, ?, ?)", row)
                for name, number in params.items():
                    told = (trial, name, number, json.dumps(DISTRIBUTIONS[name]))
                    made.execute("INSERT INTO trial_params VALUES (?, ?, ?, ?)", told)
                if value is not None:
                    made.execute("INSERT INTO trial_values VALUES (?, 0, ?)", (trial, value))
        made.commit()
    return path


@pytest.mark.parametrize("make", [journal, database])
def test_a_storage_of_optuna_is_read_without_optuna(make, tmp_path: Path) -> None:
    found = read(make(tmp_path / "optuna", "first"), LOSS, {}, "")
    assert found.objectives == {"values_0": "maximize"}
    assert found.configurations == EXPECTED
    assert list(found.values) == [(3.5,), (1.5,)]
    assert found.to_minimise.tolist() == [[-3.5], [-1.5]]


@pytest.mark.parametrize("make", [journal, database])
def test_of_several_studies_in_a_storage_one_must_be_named(make, tmp_path: Path) -> None:
    path = make(tmp_path / "optuna", "first", "second")
    assert read(f"{path}::second", LOSS, {}, "").configurations == EXPECTED
    for which in ("", "::third"):
        with pytest.raises(PriorError, match="'first', 'second'"):
            read(f"{path}{which}", LOSS, {}, "")


@pytest.mark.parametrize("content", [b"nonsense", b"SQLite format 3\0 but not really", b"{}\n"])
def test_what_is_no_storage_is_an_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(PriorError, match="can't be read"):
        read(tmp_path / "file", LOSS, {}, "")


def test_the_index_of_a_csv_file_is_no_parameter(tmp_path: Path) -> None:
    pd.DataFrame({"x": [0.1, 0.2], "loss": [1.0, 2.0]}).to_csv(tmp_path / "old.csv")
    found = read(tmp_path / "old.csv", LOSS, {}, "")
    assert found.configurations == [{"x": 0.1}, {"x": 0.2}]


def test_deephypers_results_are_maximised(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {
            "p:x": [0.1, 0.2, 0.3],
            "p:c": ["a", "b", "a"],
            "objective": ["-1.5", "F_error", "-0.5"],
            "job_id": [0, 1, 2],
        }
    )
    table.to_csv(tmp_path / "results.csv", index=False)
    found = read(tmp_path / "results.csv", LOSS, {}, "")
    assert found.configurations == [{"x": 0.1, "c": "a"}, {"x": 0.3, "c": "a"}]
    assert found.to_minimise.tolist() == [[1.5], [0.5]]


def test_tables_are_read_by_the_names_of_their_columns(tmp_path: Path) -> None:
    table = pd.DataFrame({"lr": [0.1, 0.2], "depth": [3, None], "error": [1.0, 2.0]})
    table.to_parquet(tmp_path / "t.parquet")
    rename = {"error": "loss", "lr": "rate"}
    for source in (tmp_path / "t.parquet", table, table.to_dict("list")):
        found = read(source, LOSS, rename, "mine")
        assert found.configurations == [{"lr": 0.1, "depth": 3.0}, {"lr": 0.2}]
        assert found.to_minimise.tolist() == [[1.0], [2.0]]
    with pytest.raises(PriorError, match="no columns loss"):
        read(table, LOSS, {}, "mine")


def test_optunas_table_has_its_own_names() -> None:
    table = {"params_x": [0.1], "value": [2.0], "state": ["COMPLETE"]}
    found = read(table, {"accuracy": "maximize"}, {}, "mine")
    assert (found.configurations, found.to_minimise.tolist()) == ([{"x": 0.1}], [[-2.0]])


def test_a_study_and_its_exported_table_tell_the_same(tmp_path: Path) -> None:
    space = fsopt.Space(Float("x", 0.0, 1.0), Int("n", 1, 4), Categorical("c", ["a", "b"]))
    goal = {"accuracy": "maximize"}
    with fsopt.create_study(
        tmp_path / "old", space=space, objectives=goal, seed=1, optimizer=fsopt.RandomSearch()
    ) as study:
        study.run(lambda t: fsopt.Failure("no") if t.number == 2 else t["x"], trials=6)
        study.trials().to_csv(tmp_path / "old.csv")
    found, table = (read(tmp_path / name, goal, {}, "") for name in ("old", "old.csv"))
    assert len(found.values) == 5
    assert found.space == space
    assert [dict(one) for one in found.configurations] == list(table.configurations)
    assert found.to_minimise.tolist() == table.to_minimise.tolist()


def test_paths_that_lead_nowhere_are_errors(tmp_path: Path) -> None:
    with pytest.raises(PriorError, match="there is no"):
        read(tmp_path / "missing", LOSS, {}, "")
    (tmp_path / "results.csv").write_text("")
    with pytest.raises(PriorError, match=r"give .*results\.csv"):
        read(tmp_path, LOSS, {}, "")
    with pytest.raises(PriorError, match="as a table"):
        read(tmp_path / "results.csv", LOSS, {}, "")


def test_the_likely_space_holds_what_was_tried() -> None:
    found = Evaluations(
        name="old",
        objectives=LOSS,
        configurations=[
            {"x": 0.5, "n": 1, "c": "b", "k": True},
            {"x": 2, "n": 7, "c": "a", "k": True},
        ],
        values=[(1.0,), (2.0,)],
    )
    assert found.likely_space() == fsopt.Space(
        Float("x", 0.5, 2.0), Int("n", 1, 7), Categorical("c", ["a", "b"]), Constant("k", True)
    )
    partly = Evaluations(
        name="old", objectives=LOSS, configurations=[{"x": 1}, {}], values=[(1.0,), (2.0,)]
    )
    with pytest.raises(PriorError, match="create the study with a script"):
        partly.likely_space()
