"""Runs in files, and those of other packages that were recorded."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

from fsopt.bench.stopping.scores import Run
from fsopt.errors import StorageError

RECORDED = Path(__file__).parents[1] / "data" / "stopping.parquet"
"""Runs of stoppers of other packages."""


def write(runs: Iterable[Run], path: Path) -> None:
    """Write runs into a Parquet file.

    Raises:
        StorageError: If that is refused.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        pq.write_table(pa.Table.from_pylist([asdict(run) for run in runs]), path)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error}") from error


def read(path: Path = RECORDED) -> list[Run]:
    """The runs in a file.

    Raises:
        StorageError: If it can't be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return [Run(**row) for row in pq.read_table(path).to_pylist()]
    except (OSError, pa.ArrowInvalid) as error:
        raise StorageError(f"can't read {path}: {error}") from error
