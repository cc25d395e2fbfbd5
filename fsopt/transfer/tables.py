"""Tables of results: of fsopt, DeepHyper and Optuna, and any others whose columns are named so."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fsopt.errors import PriorError
from fsopt.transfer.evaluations import Evaluations, finite
from fsopt.values import to_value

if TYPE_CHECKING:
    import pandas as pd

_DEEPHYPER = "p:"
_PREFIXES = (_DEEPHYPER, "param.", "params_")
"""What stands before the names of parameters: in DeepHyper, fsopt and Optuna."""
_NAMELESS = r"Unnamed: \d+"  # as pandas reads them


def read_table_file(path: Path) -> pd.DataFrame:
    """A CSV or Parquet file; columns of a CSV file that have no name, as an index, are left out.

    Raises:
        PriorError: If it is none.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        frame = pd.read_csv(path)
        return frame.loc[:, ~frame.columns.str.fullmatch(_NAMELESS)]
    except (OSError, ValueError, pa.ArrowException) as error:
        raise PriorError(f"{path} can't be read as a table: {error}") from error


def from_table(
    table: Any, name: str, objectives: Mapping[str, str], rename: Mapping[str, str]
) -> Evaluations:
    """The trials in a table, one row each.

    Columns that begin with ``p:`` (DeepHyper), ``param.`` (fsopt) or ``params_`` (Optuna) are
    parameters. Where none does, those are that are no objectives. DeepHyper's columns
    ``objective`` are maximised; others are looked up by the names of this study's objectives, and
    Optuna's ``value`` where there is no such column. Rows without finite values have failed.

    Args:
        table: A `pandas.DataFrame`, or what one can be made of.
        name: Of the source.
        objectives: Of this study, with their directions.
        rename: From names there to names here.

    Raises:
        PriorError: If the objectives are not among the columns.
    """
    import pandas as pd

    frame = pd.DataFrame(table)
    columns = [str(column) for column in frame.columns]
    frame.columns = pd.Index(columns)
    prefix = next((p for p in _PREFIXES if any(c.startswith(p) for c in columns)), "")
    told = _objectives(columns, prefix, objectives, rename, name)
    names = {c: c.removeprefix(prefix) for c in columns if c.startswith(prefix)}
    parameters = {c: n for c, n in names.items() if c not in told}
    configurations, values = [], []
    for row in frame.to_dict("records"):
        found = finite([row[column] for column in told])
        if found is not None:
            cells = {n: row[c] for c, n in parameters.items()}
            configurations.append({n: to_value(v) for n, v in cells.items() if not pd.isna(v)})
            values.append(found)
    if any(column.startswith(_DEEPHYPER) for column in columns):
        objectives = dict.fromkeys(told, "maximize")
    return Evaluations(
        name=name, objectives=objectives, configurations=configurations, values=values
    )


def _objectives(
    columns: list[str],
    prefix: str,
    objectives: Mapping[str, str],
    rename: Mapping[str, str],
    name: str,
) -> list[str]:
    """The columns with the values of the objectives, in order."""
    theirs = {here: there for there, here in rename.items()}
    wanted = [theirs.get(objective, objective) for objective in objectives]
    count = len(wanted)
    ways = [wanted]
    if prefix == _DEEPHYPER:
        ways = [["objective"] if count == 1 else [f"objective_{i}" for i in range(count)]]
    elif prefix == "params_":
        ways.append(["value"] if count == 1 else [f"values_{i}" for i in range(count)])
    for way in ways:
        if set(way) <= set(columns):
            return way
    raise PriorError(
        f"{name} has no columns {', '.join(ways[-1])}; it has {', '.join(columns[:20])}. "
        "Give the names of its objectives by rename (--rename THEIRS=OURS)"
    )
