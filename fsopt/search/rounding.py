"""Results that do not depend on how many threads may be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread only, in the whole process, while this lasts.

    With several threads sums are taken in another order, and a proposal would depend in its last
    digits on how many cores its process was given. Small matrices lose no time by it.
    """
    with _libraries().limit(limits=1, user_api="blas"):
        yield


@lru_cache(maxsize=1)
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401  # the libraries must be loaded to be found
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
