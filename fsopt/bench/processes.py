"""Starting the processes that measure, alone or several at once, and counting their calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from fsopt.bench.trace import Counts, count
from fsopt.errors import EvaluationError

_STRACE = ("strace", "-f", "-y", "-qq", "-s", "0", "-e", "signal=none", "-o")
"""Writes each system call as one line, with the path of each file descriptor."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process answered first, and after how long."""

    data: Mapping[str, Any]
    seconds: float
    """From the moment it was started."""


def run_job(do: str, system: str, directory: Path, **rest: object) -> Answer:
    """Do one job in a fresh process; see `fsopt.bench.child`.

    Raises:
        EvaluationError: If the process failed; with the last line it wrote.
    """
    with ExitStack() as stack:
        child = stack.enter_context(_Child(do, system, directory, rest))
        data = child.answer()
        seconds = time.perf_counter() - child.started
        child.finish()
        return Answer(data, seconds)


def run_writers(
    system: str, directory: Path, writers: int, trials: int, traces: Path | None = None
) -> float:
    """Let processes write at the same time, each so many trials, beginning together.

    Args:
        system: Whose study it is.
        directory: Where the study is; it must exist.
        writers: How many processes.
        trials: How many trials each of them runs.
        traces: A directory for one record of system calls for each process.

    Returns:
        Seconds from the first one's beginning to the last one's end, without opening the study.

    Raises:
        EvaluationError: If a process failed.
    """
    with ExitStack() as stack:
        children = []
        for index in range(writers):
            trace = None if traces is None else traces / f"{index}.trace"
            child = _Child("write", system, directory, {"trials": trials}, trace)
            children.append(stack.enter_context(child))
        for child in children:
            child.answer()
        for child in children:
            child.go()
        answers = [child.answer() for child in children]
        for child in children:
            child.finish()
    begun = min(float(answer["begun"]) for answer in answers)
    return max(float(answer["ended"]) for answer in answers) - begun


def count_calls(system: str, directory: Path, writers: int, trials: int) -> Counts:
    """Count the system calls of processes that write at the same time.

    Args:
        system: Whose study it is.
        directory: Where the study is; it must exist.
        writers: How many processes.
        trials: How many trials each of them runs.

    Returns:
        All calls from start to end; the difference between two numbers of trials is what trials
        cost.

    Raises:
        EvaluationError: If a process failed.
    """
    total = Counts()
    with tempfile.TemporaryDirectory() as name:
        run_writers(system, directory, writers, trials, Path(name))
        for path in sorted(Path(name).iterdir()):
            with path.open(errors="replace") as lines:
                total += count(lines, str(directory))
    return total


def why_no_tracing() -> str | None:
    """Why system calls can't be counted here; None if they can."""
    command = [*_STRACE, os.devnull, sys.executable, "-c", "pass"]
    try:
        result = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "strace is not installed"
    if result.returncode:
        return f"strace fails: {_last_line(result.stderr)}"
    return None


class _Child:
    """A process that does a job."""

    def __init__(
        self,
        do: str,
        system: str,
        directory: Path,
        rest: Mapping[str, object],
        trace: Path | None = None,
    ) -> None:
        job = json.dumps({"do": do, "system": system, "directory": str(directory), **rest})
        self._what = f"{do} of {system}"
        self._errors: IO[str] = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115
        tracing: Sequence[str] = () if trace is None else (*_STRACE, str(trace))
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [*tracing, sys.executable, "-m", "fsopt.bench.child", job],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> _Child:
        return self

    def __exit__(self, *_: object) -> None:
        # Only what failed, or was left because another one failed, still runs.
        self._process.kill()
        self._process.communicate()
        self._errors.close()

    def answer(self) -> dict[str, Any]:
        """The next line that it answers."""
        line = self._stream(self._process.stdout).readline()
        if not line:
            raise self._failed()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def go(self) -> None:
        """Let it go on."""
        self._stream(self._process.stdin).write("\n")
        self._stream(self._process.stdin).flush()

    def finish(self) -> None:
        """Wait for its end."""
        if self._process.wait():
            raise self._failed()

    def _failed(self) -> EvaluationError:
        status = self._process.wait()
        self._errors.seek(0)
        return EvaluationError(
            f"{self._what} ended with status {status}: {_last_line(self._errors.read())}"
        )

    @staticmethod
    def _stream(stream: IO[str] | None) -> IO[str]:
        if stream is None:
            raise EvaluationError("a process was started without pipes")
        return stream


def _last_line(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "it said nothing"
