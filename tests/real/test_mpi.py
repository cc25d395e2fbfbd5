"""The mpi backend under a real launcher, with more ranks than cores; objectives only wait."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

import fsopt
from tests.components import component
from tests.real.jobs import (
    SCRIPT,
    background,
    processes_of,
    rank_of,
    states,
    wait_until,
)

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("no_job_survives")]

LAUNCHER = Path(sys.executable).with_name("mpiexec")
ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def launcher() -> None:
    component(find_spec("mpi4py") is not None, "mpi4py is not installed")
    component(LAUNCHER.exists(), f"no MPI launcher {LAUNCHER}; pip install mpich")


@pytest.fixture
def write(tmp_path: Path) -> Callable[[int, float], Path]:
    def write_script(steps: int, seconds: float) -> Path:
        path = tmp_path / "script.py"
        path.write_text(SCRIPT.format(steps=steps, seconds=seconds))
        return path

    return write_script


def begin(ranks: int, script: Path, trials: int, *options: str) -> subprocess.Popen[str]:
    """An MPI job in the background."""
    command = [str(LAUNCHER), "-n", str(ranks), sys.executable, "-m", "fsopt", "run", str(script)]
    command += ["--study", str(script.parent / "study"), "--trials", str(trials)]
    return background([*command, "--backend", "mpi", "--json", *options])


def test_the_contract_of_backends_holds_among_ranks() -> None:
    done = subprocess.run(
        [str(LAUNCHER), "-n", "2", sys.executable, "-m", "tests.real.mpi_contract"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_eight_ranks_evaluate_exactly_the_budget_and_write_one_log(
    tmp_path: Path, write: Callable[[int, float], Path]
) -> None:
    job = begin(8, write(2, 0.05), 30)
    output, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    assert json.loads(output)["evaluated"] == 30
    with fsopt.open_study(tmp_path / "study") as study:
        table = study.trials()
        assert table["state"].tolist() == ["completed"] * 30
        assert table["user.pid"].nunique() > 1
        assert study.reports()["step"].tolist() == [1, 2] * 30
    assert len(list((tmp_path / "study/log").rglob("*.jsonl"))) == 1


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_to_the_launcher_pauses_all_trials_and_the_job_exits_with_75(
    tmp_path: Path, write: Callable[[int, float], Path], number: signal.Signals
) -> None:
    script = write(600, 0.1)
    job = begin(4, script, 3)
    wait_until(lambda: states(tmp_path / "study") == ["running"] * 3)
    job.send_signal(number)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 75, errors
    assert states(tmp_path / "study") == ["paused"] * 3
    assert len(list((tmp_path / "study").glob("trials/*/checkpoint.0/step"))) == 3


def test_a_stopped_study_ends_the_job(tmp_path: Path, write: Callable[[int, float], Path]) -> None:
    job = begin(3, write(600, 0.1), 5)
    wait_until(lambda: states(tmp_path / "study") == ["running"] * 2)
    with fsopt.open_study(tmp_path / "study") as study:
        study.stop()
    output, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    assert json.loads(output)["reason"] == "stopped"
    assert states(tmp_path / "study") == ["paused"] * 2
    assert len(list((tmp_path / "study").glob("trials/*/checkpoint.0/step"))) == 2


def test_when_a_rank_is_killed_another_job_finishes_the_study(
    tmp_path: Path, write: Callable[[int, float], Path]
) -> None:
    script = write(20, 0.1)
    job = begin(4, script, 12)
    wait_until(lambda: "completed" in states(tmp_path / "study"))
    os.kill(rank_of(job, 2), signal.SIGKILL)
    job.communicate(timeout=60)
    assert job.returncode != 0
    finished = states(tmp_path / "study").count("completed")
    assert 0 < finished < 12
    wait_until(lambda: not processes_of(script))
    following = begin(4, script, 12)
    output, errors = following.communicate(timeout=120)
    assert following.returncode == 0, errors
    assert json.loads(output)["evaluated"] == 12 - finished
    assert states(tmp_path / "study") == ["completed"] * 12


def test_two_jobs_share_a_study(tmp_path: Path, write: Callable[[int, float], Path]) -> None:
    script = write(2, 0.2)
    jobs = [begin(3, script, 24) for _ in range(2)]
    outputs = [job.communicate(timeout=120) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], outputs
    evaluated = [json.loads(output)["evaluated"] for output, _ in outputs]
    assert sum(evaluated) == 24
    assert min(evaluated) > 0
    assert states(tmp_path / "study") == ["completed"] * 24


def test_nothing_survives_the_launcher(
    tmp_path: Path, write: Callable[[int, float], Path]
) -> None:
    script = write(600, 0.1)
    job = begin(3, script, 4)
    wait_until(lambda: states(tmp_path / "study") == ["running"] * 2)
    job.kill()
    job.communicate(timeout=60)
    wait_until(lambda: not processes_of(script))


def test_ranks_of_one_node_share_its_slots(
    tmp_path: Path, write: Callable[[int, float], Path]
) -> None:
    script = write(1, 0.3)
    script.write_text(script.read_text().replace("os.getpid()", "trial.slot"))
    job = begin(4, script, 12, "--slots", "a,b,c", "--workers", "1")
    _, errors = job.communicate(timeout=120)
    assert job.returncode == 0, errors
    with fsopt.open_study(tmp_path / "study") as study:
        assert set(study.trials()["user.pid"]) == {"a", "b", "c"}


def test_too_few_slots_for_the_ranks_of_a_node_are_an_error(
    tmp_path: Path, write: Callable[[int, float], Path]
) -> None:
    job = begin(4, write(1, 0.3), 12, "--slots", "a,b", "--workers", "1")
    _, errors = job.communicate(timeout=120)
    assert job.returncode == 1
    assert "can't share 2 slots (a, b)" in errors


def test_evaluations_are_no_ranks(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT.format(steps=1, seconds=0)
        + "\ndef objective(trial):\n    from mpi4py import MPI\n    return MPI.COMM_WORLD.size\n"
    )
    job = begin(3, script, 2)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 0, errors
    with fsopt.open_study(tmp_path / "study") as study:
        assert study.trials()["value"].tolist() == [1.0, 1.0]


def test_an_error_ends_all_ranks_with_one_line(tmp_path: Path) -> None:
    job = begin(4, tmp_path / "missing.py", 5)
    _, errors = job.communicate(timeout=60)
    assert job.returncode == 1
    assert errors.count("Error: no study script") == 1


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({}, "needs at least 2 ranks: mpirun"),
        ({"OMPI_COMM_WORLD_SIZE": "64", "OMPI_COMM_WORLD_RANK": "0"}, "sees each of them alone"),
        ({"SLURM_STEP_NUM_TASKS": "2"}, "sees each of them alone"),
    ],
)
def test_a_process_that_is_alone_says_why(
    tmp_path: Path,
    write: Callable[[int, float], Path],
    variables: dict[str, str],
    message: str,
) -> None:
    command = [sys.executable, "-m", "fsopt", "run", str(write(1, 0)), "--backend", "mpi"]
    done = subprocess.run(
        [*command, "--study", str(tmp_path / "study")],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=60,
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert not (tmp_path / "study").exists()
