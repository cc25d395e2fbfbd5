"""``fsopt watch`` in a real terminal, as tmux sees it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import fsopt
from fsopt.space import Float, Space
from tests.components import component

pytestmark = pytest.mark.real

WIDTH, HEIGHT = 90, 28
PATIENCE = 60.0

Tmux = Callable[..., str]


@pytest.fixture
def tmux(tmp_path: Path) -> Iterator[Tmux]:
    """A terminal of its own, which ends with the test."""
    component(shutil.which("tmux") is not None, "tmux is not installed")
    socket = str(tmp_path / "tmux")

    def call(*words: str) -> str:
        return subprocess.run(
            ["tmux", "-S", socket, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color"},
        ).stdout

    yield call
    subprocess.run(["tmux", "-S", socket, "kill-server"], capture_output=True, check=False)


def until(look: Callable[[], str], is_there: Callable[[str], bool]) -> str:
    deadline = time.monotonic() + PATIENCE
    while not is_there(text := look()):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)
    return text


def test_the_screen_goes_on_with_the_study_and_ends_by_an_interrupt(
    tmux: Tmux, tmp_path: Path
) -> None:
    directory = tmp_path / "study"
    study = fsopt.create_study(
        directory, space=Space(Float("x", 0.0, 1.0)), seed=1, optimizer=fsopt.RandomSearch()
    )
    study.run(lambda trial: trial["x"], trials=5)
    command = shlex.join(
        [sys.executable, "-m", "fsopt", "watch", str(directory), "--interval", "0.2"]
    )
    size = ("-x", str(WIDTH), "-y", str(HEIGHT))
    tmux("new-session", "-d", "-s", "w", *size, f"{command}; echo left with $?; sleep 60")

    def look() -> str:
        return tmux("capture-pane", "-p", "-t", "w")

    first = until(look, lambda text: "5 of 5 trials" in text)
    assert "best value over 5 completed trials" in first
    assert "█" in first
    assert max(map(len, first.splitlines())) <= WIDTH
    study.run(lambda trial: trial["x"] / 0, trials=7)
    second = until(look, lambda text: "7 of 7 trials" in text)
    assert "failed: 2 x ZeroDivisionError" in second
    tmux("resize-window", "-t", "w", "-x", "60", "-y", "20")
    narrow = until(look, lambda text: "7 of 7" in text and max(map(len, text.split("\n"))) <= 60)
    assert "process" in narrow
    if folder := os.environ.get("FSOPT_SCREENSHOTS"):
        Path(folder, "watch.txt").write_text(f"{second}\n{'=' * WIDTH}\n{narrow}")
    tmux("send-keys", "-t", "w", "C-c")
    assert "Traceback" not in until(look, lambda text: "left with 0" in text)
    study.close()
