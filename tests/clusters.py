"""Clusters of Dask and Ray on this machine, outside of the test's own process."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

_DASK = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(
        n_workers=int(sys.argv[1]), threads_per_worker=1, dashboard_address=None
    ) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""

_RAY = """
import sys
import ray
print(ray.init(
    num_cpus=int(sys.argv[1]), include_dashboard=False, log_to_driver=False, logging_level="ERROR"
).address_info["gcs_address"], flush=True)
sys.stdin.read()
"""


@contextmanager
def dask_cluster(workers: int) -> Iterator[str]:
    """The address of a scheduler with so many workers, each a process."""
    with _host(_DASK, workers) as address:
        yield address


@contextmanager
def ray_cluster(cpus: int) -> Iterator[dict[str, str]]:
    """The variables by which a Ray node with so many CPUs is found; it serves nobody else."""
    ours = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    with _host(_RAY, cpus, ours) as address:
        yield {"RAY_ADDRESS": address, **ours}


@contextmanager
def _host(program: str, size: int, variables: Mapping[str, str] | None = None) -> Iterator[str]:
    with subprocess.Popen(
        [sys.executable, "-c", program, str(size)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, **(variables or {})},
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            address = process.stdout.readline().strip()
            assert address, "the cluster did not start"
            yield address
        finally:
            process.stdin.close()
            process.wait()
