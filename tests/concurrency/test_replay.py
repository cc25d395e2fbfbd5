"""Processes that work on a study at the same time tell what each of them knew."""

from pathlib import Path

import fsopt
from fsopt.study.replay import read_logs, recollect
from tests.concurrency.test_budget import start

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1), fsopt.Float("y", 0, 1))
config = fsopt.StudyConfig(space=space, objectives={"z": "maximize"}, seed=1)
def objective(trial):
    time.sleep(0.02 * trial["y"])
    if trial["x"] < 0.05:
        raise ValueError("too small")
    return -((trial["x"] - 0.4) ** 2) - (trial["y"] - 0.7) ** 2
"""


def test_every_proposal_of_processes_side_by_side_can_be_repeated(tmp_path: Path) -> None:
    script, study = tmp_path / "study.py", tmp_path / "study"
    script.write_text(SCRIPT)
    options = [("--workers", "3", "--backend", "thread"), ("--backend", "serial")]
    processes = [start(script, study, 30, *more) for more in options]
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    session = fsopt.open_study(study).session
    session.sync()
    logs = read_logs(session)
    occasions = [recollect(session, number, logs) for number in range(30)]
    assert [occasion.repeat().difference for occasion in occasions] == [None] * 30
    assert any(occasion.first.seen for occasion in occasions), "they knew of each other"
