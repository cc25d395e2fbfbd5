"""The recorded learning curves, and how good a configuration is among those of its task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from fsopt.history import FloatArray

RECORDED = Path(__file__).parents[1] / "data" / "curves.parquet"
"""The file that `fsopt.bench.stopping.record` makes."""


@dataclass(frozen=True, slots=True)
class CurveTable:
    """The curves of a task's ``n`` configurations of ``s`` steps each."""

    task: str
    losses: FloatArray
    """(n, s) To be minimised; NaN from where training has overflowed."""

    @property
    def regrets(self) -> FloatArray:
        """(n,) How much worse than the best each configuration is in the end.

        In units of the median's regret: 0 is the best, 1 the median. A configuration that failed
        is as bad as the worst.
        """
        final = self.losses[:, -1]
        regrets = (final - np.nanmin(final)) / (np.nanmedian(final) - np.nanmin(final))
        return np.where(np.isnan(regrets), np.nanmax(regrets), regrets)


@lru_cache(maxsize=4)
def load(path: Path = RECORDED) -> Mapping[str, CurveTable]:
    """The recorded curves by task."""
    import pyarrow.parquet as pq

    data = pq.read_table(path)
    tasks = np.array(data["task"].to_pylist())
    losses = np.array(data["curve"].to_pylist(), dtype=np.float64)
    return {
        task: CurveTable(task, losses[tasks == task]) for task in dict.fromkeys(tasks.tolist())
    }
