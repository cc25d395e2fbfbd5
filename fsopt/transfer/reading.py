"""Which reader a source needs, and what it has evaluated."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fsopt.errors import PriorError
from fsopt.log import layout
from fsopt.state import TrialState
from fsopt.study import Study, open_study
from fsopt.transfer import optuna
from fsopt.transfer.evaluations import Evaluations
from fsopt.transfer.tables import from_table, read_table_file

_TABLES = (".csv", ".parquet")


def read(
    source: object, objectives: Mapping[str, str], rename: Mapping[str, str], name: str
) -> Evaluations:
    """What was evaluated in an earlier study.

    Args:
        source: A path, which for storages of Optuna may end with ``::`` and the name of the
            study; or a table.
        objectives: Of the new study, for tables, which do not tell directions.
        rename: From names there to names here.
        name: Of a table, for people.

    Raises:
        PriorError: If it can't be read.
    """
    if not isinstance(source, str | os.PathLike):
        return from_table(source, name, objectives, rename)
    text, _, study = os.fspath(source).partition("::")
    path = Path(text)
    if path.is_dir():
        return _read_directory(path)
    if not path.is_file():
        raise PriorError(f"there is no {path} to learn from; correct the path, or leave it out")
    if path.suffix in _TABLES:
        return from_table(read_table_file(path), str(source), objectives, rename)
    with path.open("rb") as file:
        is_database = file.read(len(optuna.SQLITE_MAGIC)) == optuna.SQLITE_MAGIC
    if is_database:
        return optuna.read_sqlite(path, study or None)
    return optuna.read_journal(path, study or None)


def _read_directory(path: Path) -> Evaluations:
    if not (path / layout.STUDY).exists():
        results = path / "results.csv"
        hint = f"; give {results}" if results.exists() else ""
        raise PriorError(f"{path} is a directory without a study{hint}")
    with open_study(path) as study:
        return of_study(study, str(path))


def of_study(study: Study, name: str) -> Evaluations:
    """The trials with values of a study of fsopt; those that violate limits are left out."""
    objectives, space = study.session.objectives, study.config.space
    found = study.state.trials.configurations()
    valued = found.having(TrialState.COMPLETED, TrialState.STOPPED)
    kept = np.flatnonzero(valued & objectives.are_allowed(found.values))
    count = len(objectives.directions)
    return Evaluations(
        name=name,
        objectives=dict(study.config.objectives),
        configurations=[space.from_row(found.rows[i]) for i in kept],
        values=found.values[kept][:, :count].tolist(),
        space=space,
    )
