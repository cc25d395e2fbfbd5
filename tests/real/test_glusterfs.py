"""One study worked on through two clients of a real network filesystem, with its caches on."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import component

TOOL = Path(__file__).with_name("glusterfs.sh")
TRIALS = 60

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), lease=20.0)
def objective(trial):
    time.sleep(0.1)
    return trial["x"]
"""

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Path]]:
    """Two mounts of one GlusterFS volume."""
    needed = ("glusterd", "gluster", "glusterfs", "ip", "nsenter")
    component(os.geteuid() == 0, "mounting GlusterFS needs root")
    component(Path("/dev/fuse").exists(), "mounting GlusterFS needs /dev/fuse")
    component(all(map(shutil.which, needed)), f"not all of {', '.join(needed)} are installed")
    directory = tmp_path_factory.mktemp("gluster")
    try:
        subprocess.run(["bash", str(TOOL), "start", str(directory)], check=True, timeout=60)
        yield [directory / "one", directory / "two"]
    finally:
        subprocess.run(["bash", str(TOOL), "stop", str(directory)], check=True, timeout=60)


def start(*words: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "fsopt", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def test_a_study_through_two_clients_with_kills(clients: list[Path], tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    common = ["--trials", TRIALS, "--backend", "serial"]
    places = [clients[number % 2] / "study" for number in range(4)]
    processes = [start("run", script, "--study", place, *common) for place in places]
    for victim in (0, 1):
        time.sleep(1.5)
        processes[victim].send_signal(signal.SIGKILL)
        processes[victim].communicate()
        processes[victim] = start("run", script, "--study", places[victim], *common)
    for process in processes:
        output, _ = process.communicate(timeout=120)
        assert process.returncode == 0, output
        assert f"{TRIALS} of {TRIALS} trials finished" in output
    for place in places[:2]:
        output, _ = start("trials", place, "--json").communicate()
        rows = json.loads(output)
        assert [row["trial"] for row in rows] == list(range(TRIALS))
        assert {row["state"] for row in rows} == {"completed"}
        verification = start("verify", place)
        output, _ = verification.communicate()
        assert verification.returncode == 0, output


def test_the_doctor_finds_it_fit_from_both_clients(clients: list[Path]) -> None:
    together = ["--processes", 2, "--session", "both", "--json"]
    doctors = [start("doctor", place / "examined", *together) for place in clients]
    outputs = [doctor.communicate(timeout=120)[0] for doctor in doctors]
    assert [doctor.returncode for doctor in doctors] == [0, 0], outputs
    text = "".join(outputs)
    report = json.loads(text[text.index("{") : text.rindex("}") + 1])
    assert report["ok"]
    assert "glusterfs" in report["filesystem"]
