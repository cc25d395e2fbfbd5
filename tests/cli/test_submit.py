"""``fsopt submit``, with programs that stand in for those of the batch systems."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from fsopt.cli.main import main

SCRIPT = """
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    return trial["x"]
"""

SBATCH = """#!/bin/bash
echo "$@" >"$0.called"
echo 4821
"""

# Runs the tasks one after the other, as PBS and LSF would: only their variables are known.
QSUB = """#!/bin/bash
for index in 0 1 2; do
  PBS_JOBID="17[$index].server" PBS_ARRAY_INDEX=$index bash "$1" || exit
done
echo '17[].server'
"""
BSUB = """#!/bin/bash
cat >"$0.script"
for index in 1 2 3; do
  LSB_JOBID=18 LSB_JOBINDEX=$index bash "$0.script" || exit
done
echo 'Job <18> is submitted to default queue <normal>.'
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with a script, and with an empty one for programs that alone are found."""
    (tmp_path / "study.py").write_text(SCRIPT)
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def install(place: Path, name: str, text: str) -> Path:
    path = place / "bin" / name
    path.write_text(text.replace("#!/bin/bash\n", "#!/bin/bash\nexport PATH=/usr/bin:/bin\n"))
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def fsopt(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)
    return result.exit_code, result.stdout, result.stderr


def submitted(*words: object) -> dict[str, object]:
    command = ["submit", "--json", "study.py", "--study", "runs/it's mine", *words]
    status, output, error = fsopt(*command)
    assert status == 0, error
    found = json.loads(output)
    assert isinstance(found, dict)
    return found


def refused(*words: object) -> str:
    status, output, error = fsopt("submit", "study.py", "--study", "runs", "--tasks", 2, *words)
    assert (status != 0, output) == (True, "")
    assert "Traceback" not in error
    return error.splitlines()[-1]


def test_a_dry_run_prints_the_script_and_touches_nothing(place: Path) -> None:
    before = sorted(place.rglob("*"))
    status, text, _ = fsopt("submit", "study.py", "--study", "runs", "--tasks", 3, "--dry-run")
    assert status == 0
    assert text.startswith("#!/bin/bash\n")
    assert "#SBATCH --array=0-2" in text
    assert f"{sys.executable} -m fsopt run {place}/study.py --study {place}/runs" in text
    assert sorted(place.rglob("*")) == before
    told = submitted("--tasks", 3, "--dry-run")
    assert {key: told[key] for key in ("scheduler", "job", "tasks", "script")} == {
        "scheduler": "slurm",
        "job": None,
        "tasks": 3,
        "script": None,
    }
    assert Path(str(told["logs"])).parent == place / "runs/it's mine/jobs"
    assert sorted(place.rglob("*")) == before


def test_the_script_is_kept_in_the_study_and_handed_over(place: Path) -> None:
    install(place, "sbatch", SBATCH)
    told = submitted("--tasks", 2, "--trials", 9)
    assert (told["scheduler"], told["job"], told["tasks"]) == ("slurm", "4821", 2)
    script = Path(str(told["script"]))
    assert script.parent == place / "runs/it's mine/jobs"
    assert script.read_text() == told["text"]
    assert Path(str(told["logs"])).is_dir()
    called = (place / "bin" / "sbatch.called").read_text()
    assert called == f"--parsable {script}\n"


def test_each_job_has_a_script_of_its_own(place: Path) -> None:
    install(place, "sbatch", SBATCH)
    assert len({submitted("--tasks", 1)["script"] for _ in range(3)}) == 3
    run = [sys.executable, "-m", "fsopt", "run", "study.py", "--study", "runs/it's mine"]
    run += ["--trials", "2", "--backend", "serial"]
    subprocess.run(run, check=True, capture_output=True)
    status, output, _ = fsopt("verify", "runs/it's mine", "--json")
    assert status == 0
    assert json.loads(output)["problems"] == []


@pytest.mark.parametrize(("name", "program"), [("qsub", QSUB), ("bsub", BSUB)])
def test_an_array_meets_the_budget(place: Path, name: str, program: str) -> None:
    install(place, name, program)
    told = submitted("--tasks", 3, "--trials", 5, "--time", "1h", "--", "--backend", "serial")
    assert told["job"] == {"qsub": "17[].server", "bsub": "18"}[name]
    status, output, _ = fsopt("status", "runs/it's mine", "--json")
    assert status == 0
    assert json.loads(output)["trials"]["completed"] == 5
    indices = range(3) if name == "qsub" else range(1, 4)
    logs = sorted(Path(str(told["logs"])).iterdir())
    assert [path.name for path in logs] == [f"{17 + (name == 'bsub')}_{i}.out" for i in indices]
    assert "5 of 5 trials finished" in logs[0].read_text()


def test_the_options_of_fsopt_run_are_passed_on_and_checked_now(place: Path) -> None:
    words = ("--grace", 300, "--seed", 4, "--study", "elsewhere")
    text = str(submitted("--tasks", 1, "--dry-run", "--", *words)["text"])
    assert "--grace 300 --seed 4 --study elsewhere --study " in text, "the last one counts"
    assert "--signal=USR1@390" in text, "a warning in time for the grace"
    assert "No such option" in refused("--dry-run", "--", "--trails", 3)
    assert "Invalid value for '--seed'" in refused("--dry-run", "--", "--seed", "x")
    assert "finite" in refused("--dry-run", "--", "--grace", "inf")
    assert not (place / "runs").exists()


def test_threads_share_the_cpus_of_a_task(place: Path) -> None:
    def threads(*words: object) -> str:
        text = str(submitted("--tasks", 1, "--dry-run", "--cpus", 8, *words)["text"])
        return text.partition("OMP_NUM_THREADS=")[2].split()[0]

    assert threads() == "8"
    assert threads("--workers", 3) == "2"
    assert threads("--workers", 20) == "1"
    assert threads("--workers", "auto") == "1"


def test_a_batch_system_that_is_not_here(place: Path) -> None:
    error = refused()
    assert "can't submit: sbatch, qsub, bsub not found here" in error
    assert "--dry-run" in error
    assert "sbatch not found here" in refused("--scheduler", "slurm")
    install(place, "qsub", QSUB)
    assert submitted("--tasks", 2, "--dry-run")["scheduler"] == "pbs"
    assert "bsub not found here" in refused("--scheduler", "lsf")
    assert not (place / "runs").exists()


def test_a_batch_system_that_refuses(place: Path) -> None:
    install(
        place, "sbatch", "#!/bin/bash\necho 'sbatch: error: invalid\n  partition' >&2; exit 1\n"
    )
    error = refused("--partition", "no")
    assert error.startswith("Error: sbatch refused ")
    assert error.endswith("sbatch: error: invalid partition")
    install(place, "sbatch", "#!/bin/bash\necho maybe\n")
    assert "gave no job id: 'maybe" in refused()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--time", "soon"), "--time takes a time such as 90m"),
        (("--memory", "much"), "--memory takes a size"),
        (("--time", "1m"), "--time must be at least 4 times the 20 s"),
        (("--name", "a b"), "--name"),
        (("--partition", "a b"), "--partition must be one word"),
        (("--after", "x"), "--after takes the id of a job"),
        (("--extra", "hello"), "--extra takes a line"),
        (("--setup", "a\nb"), "line break"),
        (("--workers", "many"), "'many' is no number from 1 on, and not 'auto'"),
        (("--workers", 0), "'0' is no number"),
        (("--tasks", 0), "'--tasks'"),
        (("--scheduler", "sge"), "'--scheduler'"),
    ],
)
def test_wrong_input_is_refused_in_one_line(
    place: Path, words: tuple[str, ...], message: str
) -> None:
    install(place, "sbatch", SBATCH)
    assert message in refused(*words)
    assert not (place / "runs").exists()


def test_a_missing_script(place: Path) -> None:
    status, _, error = fsopt("submit", "no.py", "--study", "runs", "--tasks", 2, "--dry-run")
    assert status == 1
    assert "no study script no.py" in error


def test_workers_are_counted_by_the_scheduler_or_the_system() -> None:
    from fsopt.cli.workers import AUTO, count_workers

    assert count_workers(3, {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "8"}) == 3
    assert count_workers(AUTO, {"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "8"}) == 8
    assert count_workers(AUTO, {}) == len(os.sched_getaffinity(0))
