"""Finished runs: what is kept of each, and the file that holds them.

The columns, in JSON lines and in Parquet alike, and in the recorded runs of other packages that
fsopt brings along (``fsopt/bench/data/recorded.parquet``, float32, one worker, one run a row):

=============== ===============================================================================
``optimizer``   the name; of a recorded run, ``recorded:`` and the name
``problem``     the name of a problem in `fsopt.bench.functions`
``seed``        of the optimizer, of the noise and of the durations
``workers``     how many evaluated at the same time
``delay``       after what time they learned of each other; 0 for at once
``package``     the distribution that was run
``version``     its version
``failed``      how many evaluations failed
``cpu_mean``    CPU seconds of a proposal, together with taking in its result
``cpu_median``  their median; empty in recorded runs
``cpu_max``     the greatest; empty in recorded runs
``regret``      after each evaluation, see `Course.regret`; empty while all have failed
``times``       when each evaluation ended, in medians of an evaluation's duration; empty in
                recorded runs
=============== ===============================================================================
"""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

from fsopt.errors import StorageError

RECORDED = "recorded:"
"""What the names of recorded optimizers begin with."""

Key: TypeAlias = tuple[str, str, int, int, float]

_PARQUET = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A finished run; see the module for its fields."""

    optimizer: str
    problem: str
    seed: int
    workers: int = 1
    delay: float = 0.0
    package: str
    version: str
    failed: int = 0
    cpu_mean: float | None
    cpu_median: float | None = None
    cpu_max: float | None = None
    regret: Sequence[float]
    times: Sequence[float] = ()

    @property
    def key(self) -> Key:
        """What was run, but for the number of evaluations."""
        return self.optimizer, self.problem, self.seed, self.workers, self.delay

    def to_json(self) -> dict[str, Any]:
        """The fields; infinite regrets are None."""
        data = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        data["regret"] = [None if math.isinf(value) else value for value in self.regret]
        return data

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Result:
        """What `to_json` wrote."""
        regret = [math.inf if value is None else value for value in data["regret"]]
        return cls(**{**data, "regret": regret, "times": data.get("times") or ()})


class ResultFile:
    """A file of results, ``.jsonl`` or ``.parquet``, to which runs are appended.

    Args:
        path: Where; it need not exist.

    Raises:
        StorageError: If it can't be read, or its name ends otherwise.
    """

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".jsonl", _PARQUET):
            raise StorageError(f"{path} should end in .jsonl or .parquet")
        self._path = path
        try:
            self.results = self._read() if path.exists() else []
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise StorageError(f"can't read {path}: {error}; give another file") from error

    def append(self, result: Result) -> None:
        """Add a run.

        Raises:
            StorageError: If it can't be written.
        """
        self.results.append(result)
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.suffix == _PARQUET:
                self._rewrite()
            else:
                with self._path.open("a") as file:
                    file.write(json.dumps(result.to_json(), allow_nan=False) + "\n")
        except OSError as error:
            raise StorageError(f"can't write {self._path}: {error.strerror}") from error

    def _read(self) -> list[Result]:
        if self._path.suffix == _PARQUET:
            return read_parquet(self._path)
        text = self._path.read_text()
        whole, _, torn = text.rpartition("\n")
        if torn:  # by a kill; that run is made again
            os.truncate(self._path, len(text.encode()) - len(torn.encode()))
        return [Result.from_json(json.loads(line)) for line in whole.splitlines()]

    def _rewrite(self) -> None:
        aside = self._path.with_name(self._path.name + ".new")
        write_parquet(aside, self.results)
        aside.replace(self._path)


def read_parquet(path: Path) -> list[Result]:
    """The runs in a Parquet file."""
    import pyarrow.parquet as pq

    return [Result.from_json(row) for row in pq.read_table(path).to_pylist()]


def write_parquet(path: Path, results: Iterable[Result]) -> None:
    """Write runs as Parquet: float32, compressed by zstd."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    single, curve = pa.float32(), pa.list_(pa.float32())
    schema = pa.schema(
        [
            *((name, pa.string()) for name in ("optimizer", "problem")),
            *(("seed", pa.int64()), ("workers", pa.int32()), ("delay", pa.float64())),
            *(("package", pa.string()), ("version", pa.string()), ("failed", pa.int32())),
            *((name, single) for name in ("cpu_mean", "cpu_median", "cpu_max")),
            *(("regret", curve), ("times", curve)),
        ]
    )
    table = pa.Table.from_pylist([result.to_json() for result in results], schema)
    pq.write_table(table, path, compression="zstd", compression_level=19)


def recorded() -> list[Result]:
    """The recorded runs of other packages, on the problems of the group ``paper``."""
    data = resources.files("fsopt.bench") / "data" / "recorded.parquet"
    with resources.as_file(data) as path:
        return read_parquet(path)
