"""Storages of Optuna, read without it: a SQLite database, or a journal.

Both tell each trial's parameters as numbers, with the distributions that these belong to: of a
categorical distribution the number is the index of the choice.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fsopt.errors import PriorError
from fsopt.transfer.evaluations import Evaluations, finite

SQLITE_MAGIC = b"SQLite format 3\0"

_COMPLETE = 1
_CREATE_STUDY, _DELETE_STUDY, _CREATE_TRIAL, _SET_PARAMETER, _SET_STATE = 0, 1, 4, 5, 6
_DIRECTIONS = {1: "minimize", 2: "maximize", "MINIMIZE": "minimize", "MAXIMIZE": "maximize"}


@dataclass(slots=True)
class _Trial:
    study: int
    params: dict[str, object] = field(default_factory=dict)
    values: dict[int, object] = field(default_factory=dict)
    is_complete: bool = False


@dataclass(slots=True)
class _Storage:
    """What a storage holds."""

    studies: dict[int, tuple[str, dict[int, str]]] = field(default_factory=dict)
    """By id: name, and directions by the number of the objective."""
    trials: dict[int, _Trial] = field(default_factory=dict)

    def evaluations(self, where: str, study: str | None) -> Evaluations:
        """Those of one study, which must be named if there are several."""
        names = {name: key for key, (name, _) in self.studies.items()}
        if study is None and len(names) == 1:
            (study,) = names
        if study not in names:
            raise PriorError(
                f"{where} holds the studies {', '.join(map(repr, names)) or '(none)'}; "
                f"name one of them: {where}::NAME"
            )
        key = names[study]
        directions = self.studies[key][1]
        order = sorted(directions)
        configurations, values = [], []
        for trial in self.trials.values():
            found = finite([trial.values.get(objective) for objective in order])
            if trial.study == key and trial.is_complete and found is not None:
                configurations.append(trial.params)
                values.append(found)
        return Evaluations(
            name=f"{where}::{study}",
            objectives={f"values_{objective}": directions[objective] for objective in order},
            configurations=configurations,
            values=values,
        )


def read_sqlite(path: Path, study: str | None) -> Evaluations:
    """One study of a database.

    Args:
        path: The file.
        study: The name of the study; may be left out if there is only one.

    Raises:
        PriorError: If it holds no such study, or can't be read.
    """
    storage = _Storage()
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            for key, name in database.execute("SELECT study_id, study_name FROM studies"):
                storage.studies[key] = (name, {})
            query = "SELECT study_id, objective, direction FROM study_directions"
            for key, objective, direction in database.execute(query):
                storage.studies[key][1][objective] = _DIRECTIONS[direction]
            query = "SELECT trial_id, study_id, state FROM trials ORDER BY number"
            for key, owner, state in database.execute(query):
                storage.trials[key] = _Trial(owner, is_complete=state == "COMPLETE")
            query = "SELECT trial_id, param_name, param_value, distribution_json FROM trial_params"
            for key, name, number, text in database.execute(query):
                storage.trials[key].params[name] = _value(number, text)
            query = "SELECT trial_id, objective, value FROM trial_values"
            for key, objective, value in database.execute(query):
                storage.trials[key].values[objective] = value
    except (sqlite3.Error, KeyError, ValueError, TypeError) as error:
        raise PriorError(f"{path} can't be read as a storage of Optuna: {error}") from error
    return storage.evaluations(str(path), study)


def read_journal(path: Path, study: str | None) -> Evaluations:
    """One study of a journal; arguments and errors are those of `read_sqlite`."""
    storage = _Storage()
    try:
        for entry in _entries(path):
            _apply(storage, entry)
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise PriorError(
            f"{path} is neither a table (.csv or .parquet) nor a SQLite storage of Optuna, and "
            f"can't be read as its journal: {error}"
        ) from error
    return storage.evaluations(str(path), study)


def _entries(path: Path) -> Iterator[Mapping[str, Any]]:
    for line in path.read_text().splitlines():
        yield json.loads(line)


def _apply(storage: _Storage, entry: Mapping[str, Any]) -> None:
    kind = entry["op_code"]
    if kind == _CREATE_STUDY:
        directions = {i: _DIRECTIONS[given] for i, given in enumerate(entry["directions"])}
        storage.studies[len(storage.studies)] = (entry["study_name"], directions)
    elif kind == _DELETE_STUDY:
        storage.studies[entry["study_id"]] = ("", {})
    elif kind == _CREATE_TRIAL:
        trial = storage.trials[len(storage.trials)] = _Trial(entry["study_id"])
        for name, number in (entry.get("params") or {}).items():
            trial.params[name] = _value(number, entry["distributions"][name])
        _end(trial, entry)
    elif kind == _SET_PARAMETER:
        value = _value(entry["param_value_internal"], entry["distribution"])
        storage.trials[entry["trial_id"]].params[entry["param_name"]] = value
    elif kind == _SET_STATE:
        _end(storage.trials[entry["trial_id"]], entry)


def _end(trial: _Trial, entry: Mapping[str, Any]) -> None:
    trial.is_complete |= entry.get("state") == _COMPLETE
    values = entry.get("values") or [entry.get("value")]
    trial.values |= dict(enumerate(values))


def _value(number: float, distribution: str) -> object:
    """The value that a number stands for."""
    described = json.loads(distribution)
    if "choices" in described["attributes"]:
        return described["attributes"]["choices"][int(number)]
    return int(number) if described["name"].startswith("Int") else float(number)
