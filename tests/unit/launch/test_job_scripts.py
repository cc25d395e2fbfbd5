"""Job scripts: what they say to each batch system, and what they do when bash runs them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fsopt.errors import LaunchError
from fsopt.launch.job import Job, Resources, Work
from fsopt.launch.quantities import clock, memory, seconds
from fsopt.launch.script import script
from fsopt.launch.systems import INTERRUPTED, SYSTEMS
from tests.components import component

HOSTILE = 'it\'s a "dir" $HOME `id` \\ * ; & #1 %a {x} ~'
END = "\x1e"
FAKE = f"""#!/bin/bash
printf '%s\\0' "${{0##*/}}" "$@" $'{END}' >>"$CALLS"
[ ! -e "$0.says" ] || cat "$0.says"
[ ! -e "$0.exits" ] || exit "$(cat "$0.exits")"
"""
"""A program that notes how it is called, and answers as files beside it tell."""


def job(**changes: object) -> Job:
    work = Work(command=("fsopt", "run", "a.py"), directory=Path("/"), grace=30)
    return replace(Job(work=work, resources=Resources(), logs=Path("/tmp/l")), **changes)


def run(
    text: str, place: Path, answers: dict[str, tuple[int, str]] | None = None, **variables: str
) -> tuple[int, list[list[str]]]:
    """Run a script by bash among fake programs: its status, and what it called."""
    programs = place / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name in ("srun", "squeue", "scontrol", "fsopt", "module"):
        (programs / name).write_text(FAKE)
        (programs / name).chmod(0o755)
    for name, (status, said) in (answers or {}).items():
        (programs / f"{name}.exits").write_text(str(status))
        (programs / f"{name}.says").write_text(said)
    calls = place / "calls"
    environment = {"PATH": f"{programs}:/bin:/usr/bin", "CALLS": str(calls), **variables}
    result = subprocess.run(["bash"], input=text, text=True, env=environment, check=False)
    noted = calls.read_text() if calls.exists() else ""
    return result.returncode, [c.split("\0")[:-1] for c in noted.split(f"{END}\0")[:-1]]


SLURM = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "3"}


@pytest.mark.parametrize("name", SYSTEMS)
def test_bash_and_shellcheck_find_nothing_wrong_with_a_script(name: str) -> None:
    work = Work(command=("fsopt", "run", HOSTILE), directory=Path("/", HOSTILE), grace=30)
    needs = Resources(cpus=4, memory=2**34, gpus=2, time=7200, partition="gpu", account="me")
    text = script(SYSTEMS[name], job(work=work, resources=needs, tasks=4, after=("12",)))
    assert subprocess.run(["bash", "-n"], input=text, text=True, check=False).returncode == 0
    component(shutil.which("shellcheck") is not None, "shellcheck is not installed")
    # SC2016: what looks like an expansion in quotes is a name here.
    command = ["shellcheck", "--exclude=SC2016", "-"]
    assert subprocess.run(command, input=text, text=True, check=False).returncode == 0


@given(st.text(st.characters(exclude_characters=f"\n\0\r{END}", codec="utf-8"), min_size=1))
@settings(max_examples=15, deadline=None)
def test_every_argument_arrives_as_it_is(word: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        for system in SYSTEMS:
            place = Path(name, system)
            work = Work(command=("fsopt", word, "end"), directory=place, grace=30)
            text = script(SYSTEMS[system], job(work=work, logs=place))
            variables = {**SLURM, "PBS_JOBID": "5[2].s", "LSB_JOBID": "5", "LSB_JOBINDEX": "1"}
            _, calls = run(text, place, **variables)
            assert calls[0][-3:] == ["fsopt", word, "end"]


def test_each_system_is_asked_for_everything() -> None:
    needs = Resources(cpus=4, memory=2**34, gpus=2, time=5430, partition="gpu", account="me")
    full = job(
        resources=needs, name="mine", tasks=8, concurrent=3, after=("12", "13"), extra=("--x=1",)
    )

    def directives(name: str) -> str:
        system = SYSTEMS[name]
        lines = script(system, full).splitlines()
        return " ".join(line.removeprefix(system.prefix) for line in lines if line[:2] != "# ")

    slurm, pbs, lsf = (directives(name) for name in SYSTEMS)
    for wanted in (
        *("--job-name=mine", "--array=0-7%3", "--cpus-per-task=4", "--mem=16384M"),
        *("--gres=gpu:2", "--time=01:30:30", "--partition=gpu", "--account=me", "--requeue"),
        *("--dependency=afterok:12:13", "--open-mode=append", "--signal=USR1@120", "--x=1"),
        '--output="/tmp/l"/%A_%a.out',
    ):
        assert wanted in slurm.split()
    for wanted in (
        *("-N mine", "-J 0-7%3", "-l select=1:ncpus=4:mem=16384mb:ngpus=2", "-q gpu", "-A me"),
        *("-l walltime=01:30:30", "-W depend=afterok:12:13", "-r y", "--x=1", "--timeout 5310"),
    ):
        assert wanted in pbs
    for wanted in (
        *('-J "mine[1-8]%3"', '-n 4 -R "span[hosts=1]"', '-M 16384MB -R "rusage[mem=16384MB]"'),
        *('-gpu "num=2"', "-W 1:31", "-wa USR1 -wt 2", "-q gpu", "-P me", "-r -Q 75", "--x=1"),
        '-w "done(12) && done(13)"',
    ):
        assert wanted in lsf


def test_what_is_not_asked_for_is_left_to_the_system() -> None:
    options = ("mem", "gpu", "time=", "partition", "account", "depend", "-W", "-w", "-q ", "-P")
    for name in SYSTEMS:
        text = "\n".join(SYSTEMS[name].directives(job()))
        assert not [option for option in options if option in text]
    assert "-J" not in script(SYSTEMS["pbs"], job()), "PBS has no arrays of one"


def test_the_environment_is_set_up_before_the_work(tmp_path: Path) -> None:
    work = Work(
        command=("fsopt",),
        directory=tmp_path,
        grace=30,
        setup=("module load cuda", "export FOUND=$PWD"),
        threads=3,
    )
    text = script(SYSTEMS["slurm"], job(work=work)) + "\n"
    text = text.replace("srun ", 'srun "$OMP_NUM_THREADS" "$FOUND" ')
    _, calls = run(text, tmp_path, **SLURM)
    assert calls[0] == ["module", "load", "cuda"]
    assert calls[1][:3] == ["srun", "3", str(tmp_path)]


@pytest.mark.parametrize(
    ("status", "state", "requeued"),
    [
        (INTERRUPTED, "RUNNING", True),
        (INTERRUPTED, "COMPLETING", False),  # cancelled, preempted or requeued by Slurm
        (INTERRUPTED, "", False),
        (0, "RUNNING", False),
        (1, "RUNNING", False),
        (137, "RUNNING", False),
    ],
)
def test_slurm_gets_back_only_tasks_that_were_warned(
    tmp_path: Path, status: int, state: str, requeued: bool
) -> None:
    answers = {"srun": (status, ""), "squeue": (0, state)}
    code, calls = run(script(SYSTEMS["slurm"], job()), tmp_path, answers, **SLURM)
    assert code == status
    assert (["scontrol", "requeue", "7_3"] in calls) == requeued, "this task, not the array"


def test_pbs_leaves_by_itself_in_time_unless_the_user_says_when(tmp_path: Path) -> None:
    needs = Resources(time=3600)
    variables = {"PBS_JOBID": "17[4].server.name", "PBS_ARRAY_INDEX": "4"}

    def command(work: Work) -> list[str]:
        text = script(SYSTEMS["pbs"], job(work=work, resources=needs, logs=tmp_path))
        return run(text, tmp_path, **variables)[1][-1]

    work = job().work
    assert command(work)[-2:] == ["--timeout", "3480"]
    assert "--timeout" not in command(replace(work, has_timeout=True))
    assert (tmp_path / "17_4.out").exists()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGUSR1, INTERRUPTED), (signal.SIGTERM, 143)]
)
def test_lsf_gets_back_only_tasks_that_were_warned(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    program = tmp_path / "work"
    program.write_text(
        f"#!/bin/bash\ntrap 'exit {INTERRUPTED}' USR1 TERM\ntouch begun\n"
        "while :; do sleep 0.05; done\n"
    )
    program.chmod(0o755)
    work = Work(command=(str(program),), directory=tmp_path, grace=30)
    text = script(SYSTEMS["lsf"], job(work=work, logs=tmp_path))
    environment = {**os.environ, "LSB_JOBID": "8", "LSB_JOBINDEX": "2"}
    process = subprocess.Popen(["bash", "-c", text], env=environment, process_group=0)
    deadline = time.monotonic() + 20
    while not (tmp_path / "begun").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, number)
    assert process.wait(20) == status
    assert (tmp_path / "8_2.out").exists()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *(("90s", 90), ("90m", 5400), ("2h", 7200), ("1d", 86400), ("02:00:00", 7200)),
        *(("1-12:00:30", 129630), ("100:00:00", 360000)),
    ],
)
def test_times(text: str, value: int) -> None:
    assert seconds(text) == value
    assert seconds(clock(value)) == value


@pytest.mark.parametrize("text", ["", "90", "2:30", "1:60:00", "0s", "00:00:00", "-1h", "2 h"])
def test_times_that_are_none_or_mean_several_things(text: str) -> None:
    with pytest.raises(LaunchError, match="such as 90m, 2h or 02:00:00"):
        seconds(text)


@pytest.mark.parametrize(
    ("text", "value"), [("500M", 500 << 20), ("4G", 4 << 30), ("4gb", 4 << 30), ("1TiB", 1 << 40)]
)
def test_sizes(text: str, value: int) -> None:
    assert memory(text) == value


@pytest.mark.parametrize("text", ["", "4", "0G", "4.5G", "G", "-1G", "4X"])
def test_sizes_that_are_none(text: str) -> None:
    with pytest.raises(LaunchError, match="such as 4G"):
        memory(text)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "two words"}, "--name"),
        ({"name": "4th"}, "--name"),
        ({"after": ("12 13",)}, "--after takes the id of a job, not '12 13'"),
        ({"logs": Path("/a\\b")}, "backslash"),
        ({"logs": Path("/a\nb")}, "line break"),
        ({"resources": Resources(time=100)}, "--time must be at least 4 times the 30 s"),
    ],
)
def test_jobs_that_make_no_sense(changes: dict[str, object], message: str) -> None:
    with pytest.raises(LaunchError, match=message):
        job(**changes)


def test_words_and_lines_that_would_mean_something_else() -> None:
    with pytest.raises(LaunchError, match="--partition must be one word"):
        Resources(partition="a b")
    with pytest.raises(LaunchError, match="line break"):
        Work(command=("fsopt", "a\nb"), directory=Path("/"), grace=30)
    for line in ("#BSUB -x", "rm -r", "--a\n--b"):
        with pytest.raises(LaunchError, match="--extra takes a line such as '#SBATCH"):
            script(SYSTEMS["slurm"], job(extra=(line,)))


def test_the_warning_leaves_time_for_the_grace_but_work_for_the_most_part() -> None:
    assert job().warning == 120
    assert job(resources=Resources(time=86400)).warning == 120
    assert job(resources=Resources(time=240)).warning == 60
    work = replace(job().work, grace=600)
    assert job(work=work, resources=Resources(time=86400)).warning == 690
