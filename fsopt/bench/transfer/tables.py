"""Losses of real models, recorded over a whole grid, so that looking one up costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import resources

from fsopt.bench.functions.base import Values
from fsopt.space import Categorical, Ordinal, Space

EARLIER, NEW = ("wine", "breast_cancer"), ("iris", "digits")
DATA_SETS = (*EARLIER, *NEW)

SPACE = Space(
    Ordinal("gamma", [10.0**k for k in range(-6, 3)]),
    Ordinal("C", [10.0**k for k in range(-3, 6)]),
    Ordinal("components", [20, 60]),
    Categorical("scaler", ["none", "standard", "minmax"]),
)
"""What was recorded by `fsopt.bench.transfer.record`."""


@lru_cache(maxsize=1)
def losses() -> Mapping[str, Mapping[tuple[object, ...], float]]:
    """By data set, and by the values of the parameters."""
    import pyarrow.parquet as pq

    found: dict[str, dict[tuple[object, ...], float]] = {}
    data = resources.files("fsopt.bench") / "data" / "transfer_models.parquet"
    with resources.as_file(data) as path:
        for row in pq.read_table(path).to_pylist():
            found.setdefault(row["data"], {})[_key(row)] = row["loss"]
    return found


def loss(data: str, params: Values) -> float:
    """The loss of a configuration on a data set."""
    return losses()[data][_key(params)]


def _key(params: Values) -> tuple[object, ...]:
    return tuple(params[name] for name in SPACE.names)
