"""Arrow columns from numpy arrays and back, by way of the memory that both have.

`pyarrow.array` and `to_numpy` import pandas, if only to ask whether they were given something of
it. That takes longer, and more memory, than to read a hundred thousand trials.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

if TYPE_CHECKING:
    import pyarrow as pa


def to_column(values: NDArray[Any], absent: NDArray[np.bool_] | None = None) -> pa.Array:
    """Numbers or truth values (n,) as a column, with nulls where they are absent."""
    import pyarrow as pa

    is_there = None if absent is None or not absent.any() else _packed(~absent)
    content = _packed(values) if values.dtype == np.bool_ else np.ascontiguousarray(values)
    return pa.Array.from_buffers(
        pa.from_numpy_dtype(values.dtype),
        len(values),
        [is_there if is_there is None else pa.py_buffer(is_there), pa.py_buffer(content)],
    )


def to_texts(cells: Sequence[str | None]) -> pa.Array:
    """Texts (n,) as a column, with nulls for None."""
    import pyarrow as pa

    encoded = [(cell or "").encode() for cell in cells]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    is_there = _packed(np.array([cell is not None for cell in cells], dtype=np.bool_))
    buffers = [pa.py_buffer(buffer) for buffer in (is_there, ends, b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(cells), buffers).cast(pa.string())


def to_numbers(column: pa.ChunkedArray, dtype: DTypeLike) -> NDArray[Any]:
    """(n,) The content of a column of numbers or truth values; any number instead of a null.

    Raises:
        pyarrow.ArrowInvalid: If the column can't be converted without loss.
    """
    import pyarrow as pa

    kind = np.dtype(dtype)
    wanted = pa.from_numpy_dtype(kind)
    if column.type != wanted:
        # Even with nothing to convert this imports pyarrow.compute, which takes 20 ms.
        column = column.cast(wanted)
    contents = (_content(chunk, kind) for chunk in column.chunks)
    return np.concatenate([np.empty(0, kind), *contents])


def to_floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """(n,) The content of a column of numbers, NaN instead of a null.

    Raises:
        pyarrow.ArrowInvalid: If an integer is too large to be a float.
    """
    floats = to_numbers(column, np.float64)
    if column.null_count:
        floats[~is_valid(column)] = np.nan
    return floats


def is_valid(column: pa.ChunkedArray) -> NDArray[np.bool_]:
    """(n,) Where a column has no null."""
    if not column.null_count:
        return np.ones(len(column), dtype=np.bool_)
    return to_numbers(column.is_valid(), np.bool_)


def _content(array: pa.Array, dtype: np.dtype[Any]) -> NDArray[Any]:
    if not len(array):
        return np.empty(0, dtype)
    begin, end, buffer = array.offset, array.offset + len(array), array.buffers()[1]
    if dtype != np.bool_:
        return np.frombuffer(buffer, dtype)[begin:end]
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")
    return bits[begin:end].astype(np.bool_)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(bits, bitorder="little")
