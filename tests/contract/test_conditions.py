"""What evaluations may use and are given, on every backend; processes are real."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import fsopt
from fsopt.errors import StudyError
from fsopt.run.backends import BACKENDS
from fsopt.run.tree import descendants
from fsopt.space import Float, Space
from tests import objectives_for_backends as objectives

WITHIN = ("serial", "thread")
CONDITIONS = {
    "time limit": fsopt.Conditions(time_limit=1.0),
    "memory limit": fsopt.Conditions(memory_limit=2**30),
    "fresh processes": fsopt.Conditions(fresh=True),
}


@pytest.fixture(autouse=True)
def _output_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture
def study(tmp_path: Path) -> fsopt.Study:
    return fsopt.create_study(
        tmp_path, space=Space(Float("x", 0, 1)), optimizer=fsopt.RandomSearch()
    )


def pids_of(study: fsopt.Study) -> list[int]:
    assert study.directory is not None
    return [int(word) for word in (study.directory / "trials/0/pids").read_text().split()]


def running(pids: list[int]) -> list[int]:
    """Which of them have not ended; zombies have."""
    found = []
    for pid in pids:
        try:
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
        except psutil.NoSuchProcess:
            continue
    return found


def output_of(study: fsopt.Study, number: int = 0, attempt: int = 0) -> str:
    assert study.directory is not None
    return (study.directory / f"trials/{number}/output.{attempt}.txt").read_text()


@pytest.mark.parametrize("backend", WITHIN)
@pytest.mark.parametrize("name", CONDITIONS)
def test_a_condition_that_a_backend_does_not_keep_is_refused(
    study: fsopt.Study, backend: str, name: str
) -> None:
    with pytest.raises(StudyError, match=f"the {backend} backend .*no {name}; use the process"):
        study.run(objectives.square, trials=1, backend=backend, conditions=CONDITIONS[name])


def test_when_the_time_is_up_the_whole_tree_is_ended(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(time_limit=3.0)
    study.run(objectives.stuck, trials=1, backend="process", conditions=conditions)
    assert study.trials()["error"].tolist() == ["timeout"]
    assert len(pids_of(study)) == 3
    assert running(pids_of(study)) == []
    assert output_of(study) == "begun\n"


def test_each_attempt_has_the_whole_time(study: fsopt.Study) -> None:
    # Importing, and what went before, does not count.
    conditions = fsopt.Conditions(time_limit=0.5)
    study.run(objectives.slow, trials=4, backend="process", conditions=conditions)
    assert study.trials()["state"].tolist() == ["completed"] * 4


@pytest.mark.parametrize("ignored", ["", "signal.signal(signal.SIGTERM, signal.SIG_IGN); "])
def test_a_program_that_takes_too_long_is_ended(study: fsopt.Study, ignored: str) -> None:
    code = f"import signal, time; {ignored}print('begun', flush=True); time.sleep(60)"
    command = fsopt.Command([sys.executable, "-c", code])
    conditions = fsopt.Conditions(time_limit=1.5)
    study.run(command, trials=1, backend="process", conditions=conditions)
    assert study.trials()["error"].tolist() == ["timeout"]
    assert output_of(study) == "begun\n"


def test_a_program_may_clean_up_when_the_time_is_up(study: fsopt.Study, tmp_path: Path) -> None:
    cleaned = tmp_path / "cleaned"
    script = f"trap 'echo yes > {cleaned}; exit 0' TERM; while :; do sleep 0.1; done"
    command = fsopt.Command(["/bin/sh", "-c", script])
    conditions = fsopt.Conditions(time_limit=1.0)
    study.run(command, trials=1, backend="process", conditions=conditions)
    assert study.trials()["error"].tolist() == ["timeout"]
    assert cleaned.exists()


def test_the_memory_of_all_processes_counts_together(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(memory_limit=400 * 2**20)
    study.run(objectives.hoarding, trials=1, backend="process", conditions=conditions)
    assert study.trials()["error"].tolist() == ["memory"]
    assert running(pids_of(study)) == []


@pytest.mark.parametrize("dies", ["exec kill -9 $PPID", "kill -9 $$"])
def test_a_kill_by_the_kernel_because_memory_ran_out_has_that_reason(
    study: fsopt.Study, dies: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first kills the evaluation process, the second only the program.
    group = tmp_path / "group"
    group.mkdir()
    (group / "cgroup.procs").write_text(str(os.getpid()))
    events = group / "memory.events"
    events.write_text("max 3\noom_kill 4\n")
    monkeypatch.setattr("fsopt.run.cgroup.own_group", lambda: group)
    command = fsopt.Command(f"echo oom_kill 5 > {events}; {dies}", shell=True)
    conditions = fsopt.Conditions(memory_limit=2**30)
    study.run(command, trials=1, backend="process", conditions=conditions)
    assert study.trials()["error"].tolist() == ["memory"]
    limits = [path.read_text() for path in group.glob("fsopt-*/memory.max")]
    assert limits == [str(2**30)]


def test_the_study_goes_on_after_a_limit(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(time_limit=2.0, memory_limit=400 * 2**20)
    study.run(objectives.stuck, trials=1, backend="process", conditions=conditions)
    study.run(objectives.square, trials=2, backend="process", conditions=conditions)
    assert study.trials()["state"].tolist() == ["failed", "completed"]


def test_what_python_c_and_programs_print_is_kept_by_attempt(study: fsopt.Study) -> None:
    study.run(objectives.printing, trials=2, backend="process")
    for number in (0, 1):
        lines = output_of(study, number).splitlines()
        assert lines[:3] == [f"this is trial {number}", "an error", "past Python"]
        assert sorted(lines[3:]) == ["from C", "from a program"]


def test_what_was_printed_is_kept_when_the_process_dies(study: fsopt.Study) -> None:
    study.run(objectives.printing_and_dying, trials=1, backend="process")
    assert study.trials()["error"].tolist() == ["signal 9 (SIGKILL)"]
    assert output_of(study) == "last words\n"


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_nothing_is_made_where_nothing_was_printed(study: fsopt.Study, backend: str) -> None:
    study.run(objectives.quiet, trials=1, backend=backend)
    assert study.directory is not None
    assert not (study.directory / "trials").exists()


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_what_a_program_prints_is_kept(study: fsopt.Study, backend: str) -> None:
    study.run(fsopt.Command("sh -c 'echo out; echo err >&2; exit 3'"), trials=1, backend=backend)
    assert study.trials()["error"].tolist() == ["exit 3"]
    assert output_of(study) == "out\nerr\n"


def test_much_output_keeps_its_beginning_and_its_end(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(output_limit=2000)
    study.run(objectives.babbling, trials=1, backend="process", conditions=conditions)
    text = output_of(study)
    assert text.startswith("the beginning\n...")
    assert text.endswith("...\nthe end\n")
    assert "[fsopt: 1998022 bytes are left out here]" in text
    assert len(text) < 2100


def test_with_a_limit_of_zero_output_is_let_through(
    study: fsopt.Study, capfd: pytest.CaptureFixture[str]
) -> None:
    conditions = fsopt.Conditions(output_limit=0)
    study.run(objectives.printing, trials=1, backend="process", conditions=conditions)
    printed = capfd.readouterr()
    assert printed.out.startswith("this is trial 0\npast Python\n")
    assert printed.err == "an error\n"
    assert study.directory is not None
    assert not (study.directory / "trials").exists()


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_each_running_evaluation_has_a_slot_of_its_own(study: fsopt.Study, backend: str) -> None:
    slots = ("7",) if backend == "serial" else ("2", "gpu-b")
    conditions = fsopt.Conditions(slots=slots)
    study.run(objectives.slotted, trials=4, backend=backend, conditions=conditions)
    table = study.trials().sort_values("started_at")
    assert set(table["user.slot"]) == set(slots)
    for slot in slots:
        # None of a slot's evaluations begins before the one before it has ended.
        mine = table[table["user.slot"] == slot]
        starts, ends = mine["started_at"].tolist(), mine["finished_at"].tolist()
        assert all(start >= end for start, end in zip(starts[1:], ends[:-1], strict=True))
    if backend == "process":
        assert table["user.device"].tolist() == table["user.slot"].tolist()
        assert table["user.pid"].nunique() == 2


@pytest.mark.parametrize("backend", sorted(BACKENDS))
def test_a_program_has_its_slot_in_the_environment(study: fsopt.Study, backend: str) -> None:
    command = fsopt.Command("echo $FSOPT_SLOT $CUDA_VISIBLE_DEVICES", shell=True)
    study.run(command, trials=1, backend=backend, conditions=fsopt.Conditions(slots=("3",)))
    assert output_of(study) == "3 3\n"


@pytest.mark.parametrize("backend", ["process", "thread"])
def test_there_must_be_a_slot_for_each_worker(study: fsopt.Study, backend: str) -> None:
    conditions = fsopt.Conditions(slots=("0", "1"))
    with pytest.raises(StudyError, match=r"3 workers can't share 2 slots \(0, 1\)"):
        study.run(objectives.square, trials=1, workers=3, backend=backend, conditions=conditions)


def test_each_attempt_can_have_a_fresh_process(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(fresh=True)
    study.run(objectives.talkative, trials=3, backend="process", conditions=conditions)
    assert study.trials()["state"].tolist() == ["completed"] * 3
    assert study.trials()["user.pid"].nunique() == 3


def test_a_crash_leaves_no_process_behind(study: fsopt.Study) -> None:
    study.run(objectives.crashing_with_company, trials=1, backend="process")
    assert study.trials()["error"].tolist() == ["signal 11 (SIGSEGV)"]
    assert running(pids_of(study)) == []


def test_a_child_that_dies_while_it_is_idle_costs_no_trial(study: fsopt.Study) -> None:
    from fsopt.objectives import Objectives
    from fsopt.run.conditions import Conditions
    from fsopt.run.evaluation import Ended, Message
    from fsopt.run.processes import ProcessBackend
    from fsopt.trial import Assignment

    class Ear:
        ended: list[Ended] = []  # noqa: RUF012 - there is one ear

        def receive(self, message: Message) -> None:
            if isinstance(message, Ended):
                self.ended.append(message)

        def stop_reason(self) -> None:
            return None

    ear = Ear()
    assert study.directory is not None
    backend = ProcessBackend(
        1, objectives.square, Objectives.of({"y": "minimize"}), study.directory, Conditions()
    )
    try:
        for number in range(2):
            backend.start(Assignment(number=number, attempt=0, params={"x": 2.0}), ear)
            while len(ear.ended) == number:
                backend.poll(0.2, ear)
            for pid in descendants(backend._children[0].guard.pid):
                os.kill(pid, signal.SIGKILL)
            backend._children[0].guard.wait()
    finally:
        backend.close()
    assert [message.result for message in ear.ended] == [(4.0,), (4.0,)]


def test_processes_that_an_objective_forks_can_be_terminated(study: fsopt.Study) -> None:
    conditions = fsopt.Conditions(time_limit=30.0)
    study.run(objectives.pooling, trials=1, backend="process", conditions=conditions)
    assert study.trials()["value"].tolist() == [3.0]


def run_elsewhere(directory: Path, line: str) -> subprocess.Popen[bytes]:
    code = f"""
import fsopt
from fsopt.space import Float, Space
from tests import objectives_for_backends as objectives
study = fsopt.create_study({str(directory)!r}, space=Space(Float("x", 0, 1)))
{line}
"""
    root = Path(__file__).parents[2]
    return subprocess.Popen([sys.executable, "-c", code], cwd=root, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("interrupts", [0, 2])
def test_nothing_survives_a_worker_that_is_killed_or_interrupted_twice(
    tmp_path: Path, interrupts: int
) -> None:
    line = "study.run(objectives.stuck, trials=1, backend='process')"
    process = run_elsewhere(tmp_path, line)
    try:
        until = time.monotonic() + 60
        while not (tmp_path / "trials/0/pids").exists() and time.monotonic() < until:
            time.sleep(0.05)
        pids = [int(word) for word in (tmp_path / "trials/0/pids").read_text().split()]
        assert running(pids) == pids
        for _ in range(interrupts):
            process.send_signal(signal.SIGINT)
            time.sleep(1.0)
    finally:
        if not interrupts:
            process.kill()
        process.wait(30)
    until = time.monotonic() + 20
    while running(pids) and time.monotonic() < until:
        time.sleep(0.05)
    assert running(pids) == []
    assert (tmp_path / "trials/0/output.0.txt").read_text() == "begun\n"


def test_a_script_that_starts_processes_when_it_is_imported_gets_an_explanation(
    tmp_path: Path,
) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        f"""
import fsopt
def objective(trial):
    return 1.0
study = fsopt.create_study({str(tmp_path / "study")!r}, space=fsopt.Space({{"x": (0.0, 1.0)}}))
study.run(objective, trials=1, backend="process")
"""
    )
    subprocess.run([sys.executable, script], check=True, capture_output=True, timeout=100)
    text = (tmp_path / "study/trials/0/output.0.txt").read_text()
    assert "__name__ == '__main__'" in text
