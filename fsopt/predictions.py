"""What one model says about the rows of a data set, as an array that tells what it is.

The form on disk is one array of NumPy with named columns: the column of the predictions has the
name of their kind, and a column ``index`` tells the rows, if they are not simply all. So a file
of it explains itself, can be mapped into memory, and reading it executes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fsopt.errors import PredictionError

Array: TypeAlias = NDArray[Any]
IntArray: TypeAlias = NDArray[np.int64]

Kind: TypeAlias = Literal["values", "normal", "probabilities", "labels"]
"""Numbers (n,); means and standard deviations (n, 2); probabilities of classes (n, c); classes
(n,), counted from 0 as the columns of the probabilities are."""

KINDS: tuple[Kind, ...] = get_args(Kind)

INDEX = "index"

_SUM_TOLERANCE = 1e-3
"""How far the probabilities of a row may be from 1 together: they may be single precision."""


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What one model says about some rows of a data set.

    Attributes:
        kind: What the array holds; see `Kind`.
        array: (n,) or (n, q) The predictions.
        index: (n,) The rows that they are about, each once; None if they are about all, in order.
    """

    kind: Kind
    array: Array
    index: IntArray | None = None

    @classmethod
    def of(
        cls, y_pred: ArrayLike, y_std: ArrayLike | None = None, index: ArrayLike | None = None
    ) -> Prediction:
        """Predictions as a model gives them; what they are shows in their shape and type.

        Args:
            y_pred: (n,) Real numbers; (n,) integers, which are classes; or (n, c) probabilities.
            y_std: (n,) Standard deviations, for real numbers.
            index: (n,) The rows of the data that this is about; all, in order, unless given.

        Raises:
            PredictionError: If these are no predictions; see `check`.
        """
        array = _flat(y_pred)
        kind: Kind = "probabilities" if array.ndim == 2 else "values"
        if array.ndim == 1 and np.issubdtype(array.dtype, np.integer):
            kind = "labels"
        if y_std is not None:
            if kind == "probabilities":
                raise PredictionError("probabilities have no standard deviations; leave out y_std")
            deviations = _flat(y_std)
            if deviations.shape != array.shape:
                raise PredictionError(
                    f"y_std has shape {deviations.shape}, but y_pred {array.shape}"
                )
            kind, array = "normal", np.column_stack([array, deviations])
        rows = None if index is None else _rows(index)
        return cls(kind, array, rows).check()

    @classmethod
    def from_columns(cls, columns: Array) -> Prediction:
        """What `to_columns` made.

        Raises:
            PredictionError: If it is nothing of that kind.
        """
        names = columns.dtype.names or ()
        (*index, kind) = names if names else ("",)
        if kind not in KINDS or index not in ([], [INDEX]) or columns.ndim != 1:
            raise PredictionError(f"an array with the columns {list(names)} is no prediction")
        return cls(kind, columns[kind], _rows(columns[INDEX]) if index else None).check()

    def to_columns(self) -> Array:
        """The form on disk; see the module."""
        form: list[Any] = [] if self.index is None else [(INDEX, np.int64)]
        form.append((self.kind, self.array.dtype, self.array.shape[1:]))
        columns = np.empty(len(self.array), dtype=form)
        columns[self.kind] = self.array
        if self.index is not None:
            columns[INDEX] = self.index
        return columns

    def check(self) -> Prediction:
        """Itself, if it makes sense.

        Raises:
            PredictionError: If shapes, types or rows are wrong, a number is not finite, a
                deviation not positive, or probabilities are negative or don't make 1.
        """
        dimensions = 1 if self.kind in ("values", "labels") else 2
        if self.array.ndim != dimensions or not len(self.array):
            raise PredictionError(f"{self.kind} can't have the shape {self.array.shape}")
        wanted = np.integer if self.kind == "labels" else np.floating
        if not np.issubdtype(self.array.dtype, wanted):
            raise PredictionError(f"{self.kind} can't be of the type {self.array.dtype}")
        if not np.isfinite(self.array).all():
            raise PredictionError("some predictions are not finite")
        if (problem := _CHECKS[self.kind](self.array)) is not None:
            raise PredictionError(problem)
        if self.index is not None:
            _check_rows(self.index, len(self.array))
        return self

    def load(self) -> Prediction:
        """Itself: it is in memory, as `Source` demands."""
        return self

    def at(self, rows: IntArray) -> Prediction:
        """What it says about some rows (k,), which are counted from 0 anew."""
        if self.index is None:
            return Prediction(self.kind, self.array[rows])
        where = np.full(max(int(self.index.max()), int(rows.max(initial=0))) + 1, -1)
        where[self.index] = np.arange(len(self.index))
        found = where[rows]
        return Prediction(self.kind, self.array[found[found >= 0]], np.flatnonzero(found >= 0))


def _flat(given: ArrayLike) -> Array:
    """An array; a single column (n, 1) is (n,)."""
    array = np.asarray(given)
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _rows(index: ArrayLike) -> IntArray:
    rows = np.asarray(index)
    if not np.issubdtype(rows.dtype, np.integer):
        raise PredictionError(f"index must hold row numbers, not {rows.dtype}")
    return rows.astype(np.int64, copy=False)


def _check_rows(index: IntArray, count: int) -> None:
    if index.shape != (count,):
        raise PredictionError(f"index has shape {index.shape}; there are {count} predictions")
    if (index < 0).any() or len(np.unique(index)) < count:
        raise PredictionError("index must hold each row once, counted from 0")


def _check_normal(array: Array) -> str | None:
    if array.shape[1] != 2:
        return f"means and deviations are 2 columns, not {array.shape[1]}"
    return None if (array[:, 1] > 0).all() else "standard deviations must be positive"


def _check_probabilities(array: Array) -> str | None:
    if (array < 0).any():
        return "probabilities must not be negative"
    sums = array.sum(axis=1, dtype=np.float64)
    if (np.abs(sums - 1) > _SUM_TOLERANCE).any():
        return "the probabilities of each row must make 1 together; is this softmax's input?"
    return None


def _check_labels(array: Array) -> str | None:
    return None if (array >= 0).all() else "classes must be counted from 0"


_CHECKS: Mapping[Kind, Callable[[Array], str | None]] = {
    "values": lambda _: None,
    "normal": _check_normal,
    "probabilities": _check_probabilities,
    "labels": _check_labels,
}
