"""The files in which trials keep what their models predict: arrays, one in a file."""

from __future__ import annotations

import io
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fsopt.log.filesystem import LocalFilesystem, refused

_DAMAGED = (ValueError, TypeError, EOFError, OverflowError, MemoryError)
"""What NumPy raises, beside errors of a parser, for a header that makes no sense."""


class DamagedPredictionsError(ValueError):
    """A file holds no whole array; the message says where."""


def save(root: Path, path: str, columns: NDArray[Any]) -> None:
    """Write an array durably, whole or not at all, instead of what is there.

    Args:
        root: The study directory.
        path: The file below it.
        columns: Numbers, perhaps with named columns.

    Raises:
        StorageError: If it can't be written.
    """
    content = io.BytesIO()
    np.save(content, columns, allow_pickle=False)
    try:
        LocalFilesystem(root).replace(path, content.getvalue())
    except OSError as error:
        raise refused("write", str(root / path), error) from error


def load(file: Path) -> NDArray[Any] | None:
    """Map an array into memory, read-only.

    Returns:
        None if there is no such file.

    Raises:
        DamagedPredictionsError: If it is torn, or no array of numbers.
        StorageError: If it can't be read.
    """
    try:
        array: NDArray[Any] = np.lib.format.open_memmap(file, mode="r")
    except FileNotFoundError:
        return None
    except (*_DAMAGED, SyntaxError, TokenError) as error:
        raise DamagedPredictionsError(f"{file} holds no whole array: {error}") from error
    except OSError as error:
        raise refused("read", str(file), error) from error
    return array
