"""A disk that is really full: nothing that was told is lost, and the study goes on later."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import fsopt
from fsopt.study.verification import verify_study
from tests.components import component

FSOPT_RUN = [sys.executable, "-m", "fsopt", "run"]
TRIALS = 120

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
    """A filesystem of 1 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
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


def start(script: Path, study: Path) -> subprocess.Popen[str]:
    words = [str(script), "--study", str(study), "--trials", str(TRIALS), "--backend", "serial"]
    return subprocess.Popen(
        [*FSOPT_RUN, *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def follow(process: subprocess.Popen[str], disk: Path) -> list[str]:
    """All that a process prints; the disk gets full after some trials, and is freed when told."""
    lines: list[str] = []
    ballast = None
    assert process.stdout is not None
    for line in iter(process.stdout.readline, ""):
        lines.append(line.rstrip())
        if ballast is None and len(told_in(lines)) == 10:
            ballast = fill(disk)
        if "No space left" in line:
            assert ballast is not None
            time.sleep(1.5)
            ballast.unlink()
    process.communicate()
    return lines


def told_in(lines: list[str]) -> list[int]:
    return [int(line.split()[1]) for line in lines if line.startswith("trial ")]


@pytest.mark.real
def test_two_runs_wait_for_a_full_disk_and_lose_nothing(small_disk: Path, tmp_path: Path) -> None:
    script, study = tmp_path / "study.py", small_disk / "study"
    script.write_text(SCRIPT)
    first, other = start(script, study), start(script, study)
    watchdog = threading.Timer(60, lambda: [process.kill() for process in (first, other)])
    watchdog.start()
    lines = follow(first, small_disk)
    others, _ = other.communicate()
    watchdog.cancel()
    for process, said in ((first, lines), (other, others.splitlines())):
        assert process.returncode == 0, "\n".join(said[-8:])
        assert any("Waiting for it to pass" in line for line in said), said
        assert any("works again" in line for line in said)
        assert any(f"{TRIALS} of {TRIALS} trials finished" in line for line in said)
    told = told_in(lines) + told_in(others.splitlines())
    assert sorted(told) == list(range(TRIALS)), "each is told once, by who evaluated it"
    table = fsopt.open_study(study).trials()
    assert table["trial"].tolist() == list(range(TRIALS))
    assert set(table["state"]) == {"completed"}
    assert set(table["attempts"]) == {1}
    assert verify_study(study).ok


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
