"""One measurement in a process of its own: ``python -m fsopt.bench.child JOB``.

The job is JSON: ``do`` (a key of `JOBS`), ``system``, ``directory`` and what the job takes. Each
answer is one line of JSON on standard output; whatever libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TextIO

from fsopt.bench.systems import SYSTEMS, Compactable, System
from fsopt.errors import EvaluationError

Answer = Callable[[Mapping[str, Any]], None]


def prepare(system: System, directory: Path, answer: Answer, *, trials: int) -> None:
    """Make a study of finished trials."""
    system.prepare(directory, trials)
    answer({})


def compact(system: System, directory: Path, answer: Answer, *, remove: bool) -> None:
    """Fold a study, if the system can."""
    if isinstance(system, Compactable):
        system.compact(directory, remove=remove)
    answer({})


def open_(
    system: System, directory: Path, answer: Answer, *, trials: int, warm: str | None
) -> None:
    """Open a study: how long that takes in seconds, and the peak of memory in bytes.

    With ``warm``, another study is opened first, so that everything has been imported.
    """
    if warm is not None:
        system.open(Path(warm)).close()
    begun = time.perf_counter()
    session = system.open(directory)
    answer({"seconds": time.perf_counter() - begun, "memory": peak_memory()})
    found = session.count()
    session.close()
    if found != trials:
        raise EvaluationError(f"{system.title} read {found} of {trials} trials in {directory}")


def more(system: System, directory: Path, answer: Answer, *, trials: int) -> None:
    """Run more trials in an open study, each timed in seconds."""
    session = system.open(directory)
    times = []
    for _ in range(trials):
        begun = time.perf_counter()
        session.run(1)
        times.append(time.perf_counter() - begun)
    session.close()
    answer({"seconds": times})


def write(system: System, directory: Path, answer: Answer, *, trials: int) -> None:
    """Open a study, wait for a line on standard input, and run trials.

    Answers that it is ready, and then when it began and ended, by the machine's monotonic clock.
    """
    session = system.open(directory)
    answer({})
    sys.stdin.readline()
    begun = time.monotonic()
    session.run(trials)
    ended = time.monotonic()
    session.close()
    answer({"begun": begun, "ended": ended})


JOBS: Mapping[str, Callable[..., None]] = {
    "prepare": prepare,
    "compact": compact,
    "open": open_,
    "more": more,
    "write": write,
}


def peak_memory() -> int:
    """The most memory that this process has had, in bytes."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    # Unlike getrusage, this does not count what the process was before it became this program.
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def main(job: str) -> None:
    """Do a job.

    Args:
        job: JSON.
    """
    given = json.loads(job)
    system, directory = SYSTEMS[given.pop("system")], Path(given.pop("directory"))
    with _private_output() as output:

        def answer(data: Mapping[str, Any]) -> None:
            output.write(json.dumps(data) + "\n")
            output.flush()

        JOBS[given.pop("do")](system, directory, answer, **given)


def _private_output() -> TextIO:
    """Standard output for answers alone; what others print goes to standard error."""
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    return output


if __name__ == "__main__":
    main(sys.argv[1])
