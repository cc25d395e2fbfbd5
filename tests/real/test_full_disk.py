"""A disk that is really full: nothing that was told is lost, and the study goes on."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.components import component

FSOPT_RUN = [sys.executable, "-m", "fsopt", "run"]

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch())
def objective(trial):
    time.sleep(0.02)
    return trial["x"]
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A filesystem of 256 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    mounted = subprocess.run(command, capture_output=True, check=False)
    component(mounted.returncode == 0, "mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def fill(place: Path) -> Path:
    ballast = place / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 64, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    return ballast


@pytest.mark.real
def test_a_run_waits_for_a_full_disk_and_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    script, study = tmp_path / "study.py", small_disk / "study"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [*FSOPT_RUN, str(script), "--study", str(study), "--trials", "60", "--backend", "serial"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines: list[str] = []
    ballast = None
    watchdog = threading.Timer(60, process.kill)
    watchdog.start()
    for line in iter(process.stdout.readline, ""):
        lines.append(line.rstrip())
        if line.startswith("trial 10 "):
            ballast = fill(small_disk)
        if "No space left" in line:
            assert ballast is not None
            time.sleep(1.5)
            ballast.unlink()
    watchdog.cancel()
    process.communicate()
    assert process.returncode == 0, "\n".join(lines[-8:])
    told = [line for line in lines if line.startswith("trial ")]
    assert [int(line.split()[1]) for line in told] == list(range(60)), lines
    assert any("Waiting for it to pass" in line for line in lines)
    assert any("works again" in line for line in lines)
    assert any("60 of 60 trials finished" in line for line in lines)


@pytest.mark.real
def test_a_study_on_a_full_disk_is_refused_in_one_line(small_disk: Path, tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(SCRIPT)
    fill(small_disk)
    result = subprocess.run(
        [*FSOPT_RUN, str(script), "--study", str(small_disk / "s"), "--trials", "2"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    assert "can't create the study" in result.stderr
    assert "No space left on device" in result.stderr
    assert result.stderr.count("\n") == 1
