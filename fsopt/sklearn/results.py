"""The table that scikit-learn's searches keep, from what trials recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.values import Value

FloatArray = NDArray[np.float64]

TIMES = ("fit_time", "score_time")


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the folds of one configuration's cross-validation gave.

    Attributes:
        params: What the estimator was given.
        folds: By column, such as ``fit_time`` or ``test_score``: one number for each fold.
    """

    params: Mapping[str, Any]
    folds: Mapping[str, Sequence[float]]


def to_attribute(folds: Mapping[str, Sequence[float]]) -> Value:
    """Columns as a value that a log can hold."""
    return tuple(
        (name, tuple(float(number) for number in numbers)) for name, numbers in folds.items()
    )


def from_attribute(value: Value) -> dict[str, tuple[float, ...]] | None:
    """The columns that `to_attribute` turned into a value; None if it is another value."""
    columns: Any = value
    try:
        return {str(name): tuple(map(float, numbers)) for name, numbers in columns}
    except (TypeError, ValueError):
        return None


def table(candidates: Sequence[Candidate], splits: int) -> dict[str, Any]:
    """The columns of ``cv_results_``, one row for each candidate.

    Args:
        candidates: In the order of the rows. Those that failed may lack scores.
        splits: How many folds a cross-validation has.
    """
    names = [
        name
        for name in dict.fromkeys(name for one in candidates for name in one.folds)
        if name not in TIMES
    ]
    columns: dict[str, Any] = {}
    for name in TIMES:
        values = _column(candidates, name, splits)
        columns[f"mean_{name}"], columns[f"std_{name}"] = values.mean(axis=1), values.std(axis=1)
    for name in dict.fromkeys(name for one in candidates for name in one.params):
        columns[f"param_{name}"] = _masked(candidates, name)
    columns["params"] = [dict(one.params) for one in candidates]
    for name in names:
        values = _column(candidates, name, splits)
        for fold in range(splits):
            columns[f"split{fold}_{name}"] = values[:, fold]
        columns[f"mean_{name}"], columns[f"std_{name}"] = values.mean(axis=1), values.std(axis=1)
        if name.startswith("test_"):
            columns[f"rank_{name}"] = ranks(columns[f"mean_{name}"])
    return columns


def ranks(scores: FloatArray) -> NDArray[np.int32]:
    """(n,) Ranks from 1, of the highest score, on; equal scores share the least, NaN the last."""
    known = np.where(np.isnan(scores), -np.inf, scores)
    return np.array([1 + int(np.sum(known > score)) for score in known], dtype=np.int32)


def _column(candidates: Sequence[Candidate], name: str, splits: int) -> FloatArray:
    rows = [tuple(one.folds.get(name, ())) for one in candidates]
    unknown = (np.nan,) * splits
    return np.array([row if len(row) == splits else unknown for row in rows]).reshape(-1, splits)


def _masked(candidates: Sequence[Candidate], name: str) -> np.ma.MaskedArray[Any, Any]:
    values = np.empty(len(candidates), dtype=object)
    for row, one in enumerate(candidates):
        values[row] = one.params.get(name)
    return np.ma.MaskedArray(values, mask=[name not in one.params for one in candidates])
