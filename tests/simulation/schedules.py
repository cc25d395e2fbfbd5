"""Running simulated studies, each from its seed."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import lru_cache, partial

import pytest

from fsopt.study import chain, collection, compaction, numbers, session, wholesale
from fsopt.study.snapshot import from_bytes
from tests.simulation.cluster import LEASE, PID, Cluster
from tests.simulation.invariants import check

LAST = 40
"""How many of the last actions are shown when a study breaks a promise."""

_WORTH_PROCESSES = 1000
"""For fewer schedules it does not pay to start processes."""


class ScheduleFailedError(AssertionError):
    """A simulated study broke a promise; says which, by which seed, and how it came to it."""


def run(seed: int) -> Cluster:
    """Simulate one study and check it."""
    cluster = Cluster(seed)
    try:
        with scaled(cluster):
            cluster.run()
            check(cluster)
    except Exception as error:
        story = "\n".join(" ".join(map(str, note)) for note in cluster.trace[-LAST:])
        again = f"pytest tests/simulation -m simulation --schedule-seed {seed}"
        raise ScheduleFailedError(
            f"seed {seed}: {type(error).__name__}: {error}\n{story}\nAgain: {again}"
        ) from error
    return cluster


@contextmanager
def scaled(cluster: Cluster) -> Iterator[None]:
    """Snapshots and removal at a pace at which small studies see all of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: PID)
        # Most files are read by many, and to decode one takes longer than anything else here.
        decode = lru_cache(maxsize=64)(partial(from_bytes, config=cluster.config))
        patch.setattr(chain, "from_bytes", lambda content, _: decode(content))
        patch.setattr(session, "MANY_LOGS", cluster.many_logs)
        patch.setattr(session, "TOO_MANY_LOGS", cluster.too_many_logs)
        patch.setattr(numbers, "LOGS_PER_NUMBER", cluster.logs_per_number)
        patch.setattr(session, "STALE", LEASE)
        patch.setattr(collection, "STALE", LEASE)
        patch.setattr(wholesale, "SAFE", 2 * LEASE)
        patch.setattr(compaction, "RETENTION", 2 * LEASE)
        patch.setattr(compaction, "TRIALS_PER_GENERATION", 2)
        patch.setattr(compaction, "PATIENCE", LEASE / 2)
        patch.setattr(compaction, "_INTERVALS", (LEASE / 40, LEASE / 4))
        for pause in ("_COLLECT_EVERY", "_MARK_EVERY", "_RETRY_AFTER"):
            patch.setattr(compaction, pause, LEASE / 4)
        yield


def run_all(seeds: Sequence[int]) -> None:
    """Simulate a study for each seed, on all processors, until one breaks a promise."""
    if len(seeds) < _WORTH_PROCESSES:
        for seed in seeds:
            run(seed)
        return
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
        for failure in pool.map(_failure, seeds, chunksize=20):
            if failure is not None:
                pool.shutdown(cancel_futures=True)
                raise ScheduleFailedError(failure)


def _failure(seed: int) -> str | None:
    try:
        run(seed)
    except ScheduleFailedError as error:
        return str(error)
    return None
