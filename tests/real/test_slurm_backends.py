"""The mpi backend by srun, and the dask backend on workers that Slurm starts."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import fsopt
from tests.components import component
from tests.real.jobs import SCRIPT, background, states, wait_until
from tests.real.slurm_cluster import Cluster, slurm

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("no_job_survives")]

QUEUE = """
import sys
from dask_jobqueue import SLURMCluster

if __name__ == "__main__":
    cluster = SLURMCluster(
        cores=1, processes=1, memory="500MB", walltime="00:10:00", log_directory=sys.argv[1],
        python=sys.executable, interface="lo", scheduler_options={"dashboard_address": None},
    )
    cluster.scale(jobs=2)
    print(cluster.scheduler_address, flush=True)
    sys.stdin.read()
    cluster.close()
"""


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture
def script(cluster: Cluster, tmp_path: Path) -> Path:
    # What tests submit is on a filesystem that the nodes share.
    place = cluster.directory / tmp_path.name
    place.mkdir()
    path = place / "script.py"
    path.write_text(SCRIPT.format(steps=2, seconds=0.1))
    return path


def words(cluster: Cluster, *rest: object) -> list[str]:
    """A command line that is run where Slurm can be reached."""
    space = (cluster.directory / "space").read_text().strip()
    return ["nsenter", f"--net=/run/netns/{space}", *map(str, rest)]


def environment(cluster: Cluster) -> dict[str, str]:
    return {**os.environ, "SLURM_CONF": str(cluster.directory / "slurm.conf")}


def run_words(script: Path, *options: object) -> list[object]:
    fixed = [sys.executable, "-m", "fsopt", "run", script, "--study", script.parent / "study"]
    return [*fixed, "--trials", 20, "--json", *options]


def test_srun_starts_ranks(cluster: Cluster, script: Path) -> None:
    component(find_spec("mpi4py") is not None, "mpi4py is not installed")
    # On one node: MPI takes these nodes, which are parts of one machine, for what they are not.
    launcher = ["srun", "--mpi=pmi2", "-N1", "-n4", "--overcommit", "--kill-on-bad-exit=1"]
    job = background(
        words(cluster, *launcher, *run_words(script, "--backend", "mpi")), environment(cluster)
    )
    output, errors = job.communicate(timeout=180)
    assert job.returncode == 0, errors
    assert json.loads(output)["evaluated"] == 20
    assert states(script.parent / "study") == ["completed"] * 20
    assert len(list((script.parent / "study/log").rglob("*.jsonl"))) == 1


def test_srun_for_another_mpi_is_recognised(cluster: Cluster, script: Path) -> None:
    component(find_spec("mpi4py") is not None, "mpi4py is not installed")
    launcher = ["srun", "--mpi=none", "-N1", "-n3", "--overcommit"]
    job = background(
        words(cluster, *launcher, *run_words(script, "--backend", "mpi")), environment(cluster)
    )
    _, errors = job.communicate(timeout=180)
    assert job.returncode == 1
    assert errors.count("sees each of them alone") == 3
    assert not (script.parent / "study").exists()


def test_workers_that_dask_jobqueue_submits_evaluate(cluster: Cluster, script: Path) -> None:
    component(find_spec("dask_jobqueue") is not None, "dask-jobqueue is not installed")
    queue = background(
        words(cluster, sys.executable, "-c", QUEUE, script.parent), environment(cluster)
    )
    assert queue.stdout is not None
    address = queue.stdout.readline().strip()
    options = ("--backend", "dask", "--address", address, "--workers", 2)
    job = background(words(cluster, *run_words(script, *options)), environment(cluster))
    output, errors = job.communicate(timeout=180)
    assert job.returncode == 0, errors
    assert json.loads(output)["evaluated"] == 20
    with fsopt.open_study(script.parent / "study") as study:
        assert study.trials()["user.pid"].nunique() == 2
    queue.communicate("", timeout=60)
    wait_until(lambda: "dask" not in cluster.run("squeue", "-h"))
