"""What every backend must do; each runs whole studies through the public interface."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import fsopt
from fsopt.errors import StudyError
from fsopt.run.backends import BACKENDS, REMOTE, SerialBackend, ThreadBackend, make_backend
from fsopt.run.processes import ProcessBackend
from fsopt.run.terms import Limits, Silence
from fsopt.run.tree import descendants
from fsopt.run.worker import run_study
from fsopt.scheduler import Scheduler
from fsopt.space import Categorical, Float, Space
from tests import objectives_for_backends as objectives
from tests.clusters import dask_cluster, ray_cluster
from tests.components import component

KINDS = {"serial": SerialBackend, "thread": ThreadBackend, "process": ProcessBackend}

NAMES = (
    ["mpi"]
    if Scheduler.from_environment(os.environ).size > 1
    else sorted({*BACKENDS, *REMOTE} - {"mpi"})
)
"""The ranks of mpirun test the backend of theirs (tests/real/test_mpi.py), others all others."""

PARAMS = [pytest.param(name, marks=[pytest.mark.slow] * (name == "ray")) for name in NAMES]


@pytest.fixture(params=PARAMS)
def backend(request: pytest.FixtureRequest) -> str:
    name = str(request.param)
    if name in KINDS:
        made = make_backend(name, 1, objectives.square, fsopt_objectives(), Path("unused"))
        assert type(made) is KINDS[name]
    return start(name, request)


def start(name: str, request: pytest.FixtureRequest) -> str:
    """Start what a backend needs; skip the test if that is not installed."""
    if name in ("dask", "ray"):
        request.getfixturevalue(name)
    return name


@pytest.fixture(scope="module")
def dask() -> Iterator[None]:
    """A cluster that all tests share."""
    component(find_spec("distributed") is not None, "Dask is not installed")
    with dask_cluster(workers=4) as address, pytest.MonkeyPatch.context() as patch:
        patch.setenv("DASK_SCHEDULER_ADDRESS", address)
        yield


@pytest.fixture(scope="module")
def ray() -> Iterator[None]:
    """A cluster that all tests share."""
    component(find_spec("ray") is not None, "Ray is not installed")
    with ray_cluster(cpus=4) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        yield


def fsopt_objectives() -> object:
    from fsopt.objectives import Objectives

    return Objectives.of({"y": "minimize"})


@pytest.fixture(params=["directory", "memory"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[fsopt.Study]:
    place = tmp_path / "study" if request.param == "directory" else None
    space = Space(Float("x", -1.0, 1.0), Categorical("c", ["1", 1, 1.0, True]))
    config = fsopt.StudyConfig(
        space=space, objectives={"y": "minimize"}, seed=3, optimizer=fsopt.RandomSearch()
    )
    with fsopt.create_study(place, config) as made:
        yield made


def test_trials_are_evaluated_with_their_own_parameters(study: fsopt.Study, backend: str) -> None:
    study.run(objectives.square, trials=6, backend=backend)
    table = study.trials()
    assert table["y"].tolist() == [x * x for x in table["param.x"]]
    assert table["trial"].tolist() == list(range(6))


def test_every_backend_gives_the_same_study(backend: str) -> None:
    space = Space(Float("x", -1.0, 1.0))
    config = fsopt.StudyConfig(space=space, seed=11, optimizer=fsopt.RandomSearch())
    study = fsopt.create_study(None, config)
    study.run(objectives.square, trials=4, backend=backend)
    reference = fsopt.create_study(None, config)
    for trial in reference.ask(4):
        reference.tell(trial, objectives.square(trial))
    columns = ["trial", "state", "value", "param.x"]
    assert study.trials()[columns].equals(reference.trials()[columns])


def test_reports_and_attributes_are_kept(study: fsopt.Study, backend: str) -> None:
    study.run(objectives.talkative, trials=2, backend=backend)
    reports = study.reports()
    assert reports["value"].tolist() == [0.5, 1.0, 1.5] * 2
    assert reports["step"].tolist() == [1, 2, 3] * 2
    assert reports["trial"].tolist() == [0, 0, 0, 1, 1, 1]
    own = study.trials()["user.pid"] == os.getpid()
    assert own.all() == (backend in ("serial", "thread"))


@pytest.mark.parametrize(
    ("objective", "reason"),
    [
        (objectives.raising, "ValueError: not 0"),
        (objectives.exiting, "exit 3"),
        (objectives.returning_nonsense, "returned 'good' (str) for y; a number is expected"),
    ],
)
def test_a_failure_is_recorded_with_its_reason_and_the_study_goes_on(
    study: fsopt.Study, backend: str, objective: object, reason: str
) -> None:
    study.run(objective, trials=2, backend=backend)  # type: ignore[arg-type]
    table = study.trials()
    assert table["state"].tolist() == ["failed", "failed"]
    assert table["error"][0] == reason
    assert study.best is None


def test_a_traceback_is_kept_in_the_trials_own_directory(tmp_path: Path, backend: str) -> None:
    with fsopt.create_study(tmp_path, space=Space(Float("x", 0, 1))) as study:
        study.run(objectives.raising, trials=1, backend=backend)
    text = (tmp_path / "trials" / "0" / "traceback.0.txt").read_text()
    assert "in raising" in text
    assert "and a second line" in text


def test_running_trials_are_paused_when_the_time_is_up(study: fsopt.Study, backend: str) -> None:
    for timeout in (0.5, 5, 50):  # the time that agents on other nodes need to be there counts
        summary = study.run(objectives.patient, trials=3, timeout=timeout, backend=backend)
        assert summary.reason == "timeout"
        if backend not in REMOTE or len(study.trials()):
            break
    assert study.trials()["state"].tolist() == ["paused"]
    summary = study.run(objectives.square, trials=3, backend=backend)
    assert summary.reason == "budget"
    assert study.trials()["state"].tolist() == ["completed"] * 3
    assert study.trials()["attempts"].tolist() == [2, 1, 1]


def test_one_evaluation_is_told_to_stop_and_the_others_go_on(tmp_path: Path, backend: str) -> None:
    config = fsopt.StudyConfig(
        space=Space(Float("x", 0, 1)),
        optimizer=fsopt.RandomSearch(),
        stopper=fsopt.Threshold(worst=0.5),
    )
    workers = 1 if backend == "serial" else 2
    with fsopt.create_study(tmp_path, config) as study:
        study.run(objectives.even_are_bad, trials=4, workers=workers, backend=backend)
        table = study.trials()
    assert table["state"].tolist() == ["stopped", "completed"] * 2
    assert table["value"].tolist() == [1.0, 0.0] * 2
    assert table["error"].isna().all()


def test_a_backend_does_not_leave_threads_or_processes_busy(
    study: fsopt.Study, backend: str
) -> None:
    before = descendants(os.getpid())
    study.run(objectives.square, trials=3, backend=backend)
    assert set(descendants(os.getpid())) <= set(before)


def test_slots_are_used_at_the_same_time(study: fsopt.Study, backend: str) -> None:
    if backend == "serial":
        return
    study.run(objectives.waiting_for_three_others, trials=4, workers=4, backend=backend)
    assert study.trials()["state"].tolist() == ["completed"] * 4


@pytest.mark.parametrize(
    ("objective", "reason"),
    [(objectives.dying, "signal 11 (SIGSEGV)"), (objectives.leaving, "exit 7")],
)
def test_the_death_of_a_process_fails_its_trial_alone(
    study: fsopt.Study, backend: str, objective: object, reason: str
) -> None:
    if backend in ("serial", "thread"):
        return
    study.run(objective, trials=2, backend=backend)  # type: ignore[arg-type]
    assert study.trials()["error"].tolist() == [reason, reason]
    assert (study.trials()["duration"] > 0).all()
    study.run(objectives.square, trials=3, backend=backend)
    assert study.trials()["state"].tolist() == ["failed", "failed", "completed"]


def test_a_process_that_does_not_listen_is_killed_and_its_trial_paused(
    tmp_path: Path, backend: str
) -> None:
    if backend in ("serial", "thread"):
        return
    path = tmp_path / "trials/0/pid"

    class Stopper(Silence):
        def tick(self, study: fsopt.Study, running: int) -> None:
            if path.exists() and not study.state.stopped:
                study.stop()

    with fsopt.create_study(tmp_path, space=Space(Float("x", 0, 1))) as study:
        summary = run_study(
            study,
            objectives.deaf,
            workers=1,
            backend=backend,
            limits=Limits(trials=1, grace=0.3),
            progress=Stopper(),
        )
        assert summary.reason == "stopped"
        assert study.trials()["state"].tolist() == ["paused"]
    assert not Path(f"/proc/{path.read_text()}").exists()


def test_a_limit_holds_wherever_an_evaluation_runs(study: fsopt.Study, backend: str) -> None:
    if backend in ("serial", "thread"):
        return
    conditions = fsopt.Conditions(time_limit=0.5)
    study.run(objectives.deaf, trials=1, backend=backend, conditions=conditions)
    assert study.trials()["error"].tolist() == ["timeout"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"backend": "teleport"},
            "unknown backend 'teleport'; there are process, thread, serial, mpi, ",
        ),
        ({"workers": 0, "backend": "thread"}, "workers must be 1 or more"),
        ({"workers": 2, "backend": "serial"}, "has one worker"),
        ({"trials": 0}, "trials must be 1 or more"),
        ({"timeout": -1}, "timeout must be a positive number"),
    ],
)
def test_options_that_make_no_sense(
    study: fsopt.Study, options: dict[str, object], message: str
) -> None:
    with pytest.raises(StudyError, match=message):
        study.run(objectives.square, **options)  # type: ignore[arg-type]
