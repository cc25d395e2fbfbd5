"""Studies on a real Slurm: requeues, preemption, cancels, lost nodes, zombies, time limits."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.real.slurm_cluster import Cluster, Study, processes_of, slurm, until

pytestmark = pytest.mark.real

QUICK = ("--", "--backend", "thread", "--grace", "5")
TASKS, TRIALS, STEPS = 16, 160, 10
LEASE = 240.0


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A Slurm of three nodes; everything that tests submit is on a filesystem they share."""
    with slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="module")
def short(cluster: Cluster) -> Study:
    """A study whose only task has a minute and needs more; begun before everything else."""
    study = Study.make(cluster.directory, "short", lease=LEASE, steps=900)
    options = ("--partition", "apart", "--time", "1m", "--trials", 1)
    cluster.submit(study, 1, *options, *QUICK)
    return study


@dataclass(frozen=True, slots=True)
class Storm:
    """A study during which tasks were requeued, cancelled and preempted."""

    study: Study
    job: str
    requeued: tuple[str, ...]
    cancelled: tuple[str, ...]
    preempted: tuple[str, ...]


@pytest.fixture(scope="module")
def storm(cluster: Cluster, short: Study) -> Storm:
    """An array of 16 tasks that goes through all that."""
    place = cluster.directory / 'it\'s a "place" with 5%a #1 $names'
    place.mkdir()
    study = Study.make(place, "a study", lease=LEASE, steps=STEPS)
    before = cluster.run("sbatch", "--parsable", "--hold", "-o", "/dev/null", "--wrap", "exit")
    before = before.strip()
    options = ("--trials", TRIALS, "--time", "10m", "--after", before)
    job = cluster.submit(study, TASKS, *options, *QUICK)
    assert set(cluster.states(job).values()) == {"PENDING"}
    cluster.run("scontrol", "release", before)
    until("all tasks have begun", lambda: len(study.jobs()) == TASKS)

    on_first = [t for t in map(str, range(TASKS)) if cluster.node_of(f"{job}_{t}") == "n1"]
    others = [t for t in map(str, range(TASKS)) if t not in on_first]
    requeued, cancelled = tuple(others[:2]), tuple(others[2:3])
    cluster.run("scontrol", "requeue", ",".join(f"{job}_{task}" for task in requeued))
    cluster.run("scancel", *(f"{job}_{task}" for task in cancelled))
    cluster.run(
        "sbatch", "-p", "high", "-w", "n1", "--exclusive", "-o", "/dev/null", "--wrap", "sleep 1"
    )
    until("the study is finished", lambda: study.finished() == TRIALS)
    until("all tasks have left", lambda: not cluster.states(job), 30)
    return Storm(study, job, requeued, cancelled, tuple(on_first))


def test_an_array_meets_its_budget_exactly_whatever_happens_to_its_tasks(storm: Storm) -> None:
    storm.study.assert_clean(TRIALS)


def test_tasks_that_slurm_puts_back_come_back_and_cancelled_ones_do_not(storm: Storm) -> None:
    jobs = storm.study.jobs()
    assert len(jobs) == len(set(jobs))
    for task in storm.requeued + storm.preempted:
        assert {f"{storm.job}_{task}-r0", f"{storm.job}_{task}-r1"} <= set(jobs)
    for task in storm.cancelled:
        assert f"{storm.job}_{task}-r1" not in jobs


def test_interrupted_trials_are_continued_soon_and_repeat_no_step(storm: Storm) -> None:
    paused = storm.study.events("trial.paused")
    assert len({event["writer"] for event in paused}) >= len(storm.preempted) // 2
    starts = {(e["trial"], e.get("attempt", 0)): e for e in storm.study.events("trial.started")}
    for event in paused:
        following = starts[event["trial"], event.get("attempt", 0) + 1]
        assert following["time"] - event["time"] < LEASE / 4, "nobody waits for a lease"
    for trial in range(TRIALS):
        assert [step for step, _ in storm.study.steps(trial)] == list(range(1, STEPS + 1))


def test_the_logs_of_all_tasks_lie_in_the_study(storm: Storm) -> None:
    (logs,) = (path for path in (storm.study.directory / "jobs").iterdir() if path.is_dir())
    names = {path.name for path in logs.iterdir()}
    assert names == {f"{storm.job}_{task}.out" for task in range(TASKS)}
    assert "trials finished" in (logs / f"{storm.job}_{storm.requeued[0]}.out").read_text()


def test_the_trials_of_a_lost_node_are_taken_over_after_a_lease(cluster: Cluster) -> None:
    study = Study.make(cluster.directory, "lost", lease=4.0, steps=STEPS)
    options = ("--trials", 32, "--time", "10m", "--cpus", 6)
    job = cluster.submit(study, 4, *options, *QUICK)
    until("all tasks have begun", lambda: len(study.jobs()) == 4)
    until("all nodes have finished trials", lambda: study.finished() >= 6)
    cluster.tool("lose", "n2")
    until("the study is finished", lambda: study.finished() == 32)
    cluster.run("scancel", job)
    cluster.tool("node", "n2")
    study.assert_clean(32)
    again = {event["trial"] for event in study.events("trial.started") if event.get("attempt")}
    assert 1 <= len(again) <= 4, "one trial for each task that ran there"
    for trial in range(32):
        repeated = len(study.steps(trial)) - STEPS
        assert repeated == 0 or (trial in again and repeated == 1), "it saves after each step"


def signal_all(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def test_a_zombie_under_the_same_slurm_ids_is_fenced_off(cluster: Cluster) -> None:
    steps = 60
    study = Study.make(cluster.directory, "zombie", lease=3.0, steps=steps)
    job = cluster.submit(study, 1, "--trials", 1, "--time", "10m", *QUICK)

    until("it evaluates", lambda: bool(study.events("trial.reported")))
    node = cluster.node_of(f"{job}_0")
    zombie = processes_of(job)
    # Woken up, its srun would cancel the step with its id, which is its successor's by then.
    awake = [pid for pid in zombie if b"srun" not in Path(f"/proc/{pid}/cmdline").read_bytes()]
    signal_all(zombie, signal.SIGSTOP)
    try:
        cluster.tool("orphan", node)
        until("its successor continues", lambda: study.steps(0)[-1][1] == 1)
        signal_all(awake, signal.SIGCONT)
        until("the zombie has noticed, or ended", lambda: not set(awake) & set(processes_of(job)))
        until("the study is finished", lambda: study.finished() == 1)
    finally:
        signal_all([pid for pid in zombie if pid in processes_of(job)], signal.SIGKILL)
        cluster.run("scancel", job)
        cluster.tool("lose", node)
        cluster.tool("node", node)
    assert study.jobs() == [f"{job}_0-r0", f"{job}_0-r1"]
    study.assert_clean(1)
    attempts = [attempt for _, attempt in study.saved_steps(0)]
    assert attempts == sorted(attempts), "nothing of the zombie lies in its successor's checkpoint"
    shown = study.fsopt("show", 0)
    last = study.saved_steps(0)[-1]
    assert last == (steps, 1)
    assert shown["reports"][str(steps)] == steps + 0.1
    assert [a["outcome"] for a in shown["attempts"]][-1] == "completed"


def test_a_task_that_nears_its_time_limit_goes_back_into_the_queue(short: Study) -> None:
    # Slurm warns up to a minute too early, so of a minute's limit little is left each time.
    until("it has come back twice", lambda: len(short.jobs()) >= 3, 120)
    job = short.jobs()[0].removesuffix("-r0")
    assert short.jobs()[:3] == [f"{job}-r{restart}" for restart in range(3)]
    assert {event["reason"] for event in short.events("trial.paused")} == {"preempted"}
    until("it goes on", lambda: short.steps(0)[-1][1] >= 2)
    steps = [step for step, _ in short.steps(0)]
    assert steps == list(range(1, len(steps) + 1))


def test_the_job_script_that_comes_with_the_package(cluster: Cluster) -> None:
    study = Study.make(cluster.directory, "array", lease=LEASE, steps=1)
    place = f"SCRIPT={study.script},STUDY={study.directory},TRIALS=6,WORKERS=2"
    options = ("--array", "0-1", "--time", 10, "--output", "/dev/null")
    script = Path(__file__).parents[2] / "jobscripts" / "slurm-array.sh"
    cluster.run("sbatch", *options, f"--export=ALL,{place}", script)
    until("the study is finished", lambda: study.finished() == 6)
    study.assert_clean(6)
