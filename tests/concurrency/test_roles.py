"""Processes that only propose, and processes that only evaluate."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

import fsopt
from fsopt.study.replay import read_logs, recollect
from tests.concurrency.test_budget import rows_of, start
from tests.concurrency.test_preemption import verified

SCRIPT = """
import os, sys, time
import fsopt
config = fsopt.StudyConfig(
    space=fsopt.Space(fsopt.Float("x", 0, 1), fsopt.Float("y", 0, 1)), seed=1, lease=8.0
)
HEAVY = ("sklearn", "scipy")
def objective(trial):
    trial.set_attribute("heavy", any(name in sys.modules for name in HEAVY))
    time.sleep(0.05)
    return (trial["x"] - 0.3) ** 2 + trial["y"]
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "study.py"
    path.write_text(SCRIPT)
    return path


def ended(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=600)
    assert process.returncode == 0, output
    return output


def wait_for_trials(study: Path, count: int) -> None:
    deadline = time.monotonic() + 120
    while sum(f.read_bytes().count(b"trial.completed") for f in study.glob("log/*/*")) < count:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_evaluators_need_no_model_and_every_proposal_can_be_repeated(
    script: Path, tmp_path: Path
) -> None:
    study, serial = tmp_path / "study", ("--backend", "serial")
    proposer = start(script, study, 24, "--role", "propose")
    evaluators = [
        start(script, study, 24, "--role", "evaluate", "--without-proposer", "wait", *serial)
        for _ in range(2)
    ]
    for process in (proposer, *evaluators):
        ended(process)
    rows = rows_of(study)
    assert [row["trial"] for row in rows] == list(range(24))
    assert {row["state"] for row in rows} == {"completed"}
    assert {row["user.heavy"] for row in rows} == {False}
    with fsopt.open_study(study) as opened:
        session = opened.session
        logs = read_logs(session)
        makers = set()
        for number in range(24):
            occasion = recollect(session, number, logs)
            assert occasion.repeat().difference is None
            made = session.state.trials[number].proposal
            assert made is not None
            makers.add(made.stamp.writer)
        assert len(makers) == 1, "the evaluators have proposed nothing"
    verified(study)


def test_when_the_proposer_is_killed_evaluators_propose(script: Path, tmp_path: Path) -> None:
    study = tmp_path / "study"
    proposer = start(script, study, 80, "--role", "propose", "--optimizer", "random")
    options = ("--role", "evaluate", "--backend", "serial", "--optimizer", "random")
    evaluator = start(script, study, 80, *options)
    wait_for_trials(study, 5)
    os.kill(proposer.pid, signal.SIGKILL)
    proposer.communicate()
    assert "proposing here" in ended(evaluator)
    rows = rows_of(study)
    assert [row["trial"] for row in rows] == list(range(80))
    assert {row["state"] for row in rows} == {"completed"}
    verified(study)


def test_any_mix_of_roles_shares_one_budget(script: Path, tmp_path: Path) -> None:
    study, more = tmp_path / "study", ("--backend", "serial", "--optimizer", "random")
    roles = ("propose", "propose", "evaluate", "both")
    for process in [start(script, study, 25, "--role", role, *more) for role in roles]:
        ended(process)
    assert [row["state"] for row in rows_of(study)] == ["completed"] * 25
    verified(study)
