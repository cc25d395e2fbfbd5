"""The dask and ray backends on clusters of this machine whose workers are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import fsopt
from tests.clusters import dask_cluster, ray_cluster
from tests.components import component
from tests.real.jobs import (
    SCRIPT,
    background,
    parents_of,
    states,
    wait_until,
)

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("no_job_survives")]


@pytest.fixture(scope="module", params=["dask", "ray"])
def cluster(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str]]]:
    """The name of a backend, and the variables by which its cluster is found."""
    if request.param == "dask":
        component(find_spec("distributed") is not None, "Dask is not installed")
        with dask_cluster(workers=2) as address:
            yield "dask", {"DASK_SCHEDULER_ADDRESS": address}
    else:
        component(find_spec("ray") is not None, "Ray is not installed")
        with ray_cluster(cpus=2) as variables:
            yield "ray", variables


def begin(cluster: tuple[str, dict[str, str]], script: Path, trials: int) -> subprocess.Popen[str]:
    backend, variables = cluster
    command = [sys.executable, "-m", "fsopt", "run", str(script), "--backend", backend, "--json"]
    command += ["--study", str(script.parent / "study"), "--trials", str(trials)]
    return background([*command, "--workers", "2"], {**os.environ, **variables})


def test_trials_of_a_killed_worker_are_continued_by_another(
    tmp_path: Path, cluster: tuple[str, dict[str, str]]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT.format(steps=1, seconds=0)
        + """
def objective(trial):
    (trial.directory / f"pid.{trial.attempt}").write_text(str(os.getpid()))
    while trial.number == 0 and trial.attempt == 0:
        time.sleep(0.1)
    return trial["x"]
"""
    )
    job = begin(cluster, script, 6)
    path = tmp_path / "study/trials/0/pid.0"
    wait_until(lambda: path.exists() and path.read_text() != "")
    _guard, host, *_ = parents_of(int(path.read_text()))
    os.kill(host, signal.SIGKILL)
    output, errors = job.communicate(timeout=300)
    assert job.returncode == 0, errors
    assert json.loads(output)["evaluated"] == 6
    with fsopt.open_study(tmp_path / "study") as study:
        table = study.trials()
        assert table["state"].tolist() == ["completed"] * 6
        assert table["attempts"].tolist() == [2, 1, 1, 1, 1, 1]
        first = study.session.state.trials[0].attempts[0].outcome
    assert first is not None
    assert (first.reason or "").startswith("lost: ")


def test_a_signal_pauses_all_trials_and_the_process_exits_with_75(
    tmp_path: Path, cluster: tuple[str, dict[str, str]]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(steps=1000, seconds=0.1))
    job = begin(cluster, script, 2)
    wait_until(lambda: states(tmp_path / "study") == ["running"] * 2)
    wait_until(lambda: len(reports(tmp_path / "study")) == 2)
    job.send_signal(signal.SIGTERM)
    _, errors = job.communicate(timeout=120)
    assert job.returncode == 75, errors
    assert states(tmp_path / "study") == ["paused"] * 2
    for number in range(2):
        assert (tmp_path / f"study/trials/{number}/checkpoint.0/step").exists()


def test_nothing_survives_a_killed_process(
    tmp_path: Path, cluster: tuple[str, dict[str, str]]
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT.format(steps=1, seconds=0)
        + """
def objective(trial):
    (trial.directory / "pid").write_text(str(os.getpid()))
    time.sleep(1000)
"""
    )
    job = begin(cluster, script, 1)
    path = tmp_path / "study/trials/0/pid"
    wait_until(lambda: path.exists() and path.read_text() != "")
    pid = int(path.read_text())
    assert job.pid not in parents_of(pid)
    job.kill()
    job.communicate()
    wait_until(lambda: not Path(f"/proc/{pid}").exists())


def reports(directory: Path) -> set[int]:
    """The trials that have reported something."""
    with fsopt.open_study(directory) as study:
        return set(study.reports()["trial"])


def test_an_address_where_nothing_is_gives_one_line(tmp_path: Path) -> None:
    component(find_spec("distributed") is not None, "Dask is not installed")
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(steps=1, seconds=0))
    command = [sys.executable, "-m", "fsopt", "run", str(script), "--backend", "dask"]
    done = subprocess.run(
        [*command, "--study", str(tmp_path / "study"), "--address", "tcp://127.0.0.1:9"],
        capture_output=True,
        text=True,
        env={**os.environ, "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "2s"},
        timeout=120,
    )
    assert done.returncode == 1
    assert "can't reach Dask at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr
