"""A network filesystem seen through two clients: what the tests of each of them share.

Every process has a process namespace of its own, and the host name of its client, so that nobody
can ask whether it still lives: as between two machines, only its silence tells.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components import component

HERE = Path(__file__).parent
TRIALS = 48

SCRIPT = """
import time
import fsopt
space = fsopt.Space(fsopt.Float("x", 0, 1))
config = fsopt.StudyConfig(space=space, optimizer=fsopt.RandomSearch(), lease=5.0)
def objective(trial):
    time.sleep(0.25)
    return trial["x"]
"""

ELSEWHERE = ("unshare", "--uts", "--pid", "--fork", "--kill-child")
"""Begins a program as if on another machine; it dies with `unshare`."""


@dataclass(frozen=True, slots=True)
class Client:
    """A mount, and how programs are started that use it."""

    place: Path
    host: str

    def start(self, *words: object) -> subprocess.Popen[str]:
        """Start a verb of fsopt."""
        command = [*ELSEWHERE, "sh", "-c", 'hostname "$0" && exec "$@"', self.host]
        command += [sys.executable, "-m", "fsopt", *map(str, words)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )


def clients_of(directory: Path) -> list[Client]:
    """The two clients of a filesystem that is mounted at ``one`` and ``two``."""
    return [Client(directory / name, f"client-{name}") for name in ("one", "two")]


@contextlib.contextmanager
def served(tool: str, directory: Path, needed: Sequence[str]) -> Iterator[list[Client]]:
    """While entered, a filesystem is served and mounted twice.

    Args:
        tool: The script in this directory that starts and stops it.
        directory: For everything that the script makes.
        needed: The programs that must be installed.
    """
    component(os.geteuid() == 0, f"{tool} needs root")
    component(Path("/dev/fuse").exists(), f"{tool} needs /dev/fuse")
    missing = [name for name in (*needed, "ip", "nsenter", "unshare") if not shutil.which(name)]
    component(not missing, f"not installed: {', '.join(missing)}")
    command = ["bash", str(HERE / tool)]
    try:
        subprocess.run([*command, "start", str(directory)], check=True, timeout=60)
        yield clients_of(directory)
    finally:
        subprocess.run([*command, "stop", str(directory)], check=True, timeout=60)


def finished(process: subprocess.Popen[str], seconds: float = 120) -> str:
    """What a process printed that must end well."""
    output, _ = process.communicate(timeout=seconds)
    assert process.returncode == 0, output
    return output


def kill_at_work(process: subprocess.Popen[str]) -> dict[int, str]:
    """Kill a worker in the middle of its third trial or so.

    Returns:
        What it told of each trial that it finished.
    """
    told: dict[int, str] = {}

    def note(line: str) -> None:
        if line.startswith("trial "):
            told[int(line.split()[1])] = line

    assert process.stdout is not None
    for line in process.stdout:
        note(line)
        if len(told) == 2:
            break
    time.sleep(0.1)
    process.send_signal(signal.SIGKILL)
    rest, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL, rest
    for line in rest.splitlines():
        note(line)
    return told


def study_with_kills(clients: list[Client], script: Path) -> None:
    """Run a study by four processes of two clients, kill one of each; nothing must be lost."""
    script.write_text(SCRIPT)
    common = ("--trials", TRIALS, "--backend", "serial")

    def worker(client: Client) -> subprocess.Popen[str]:
        return client.start("run", script, "--study", client.place / "study", *common)

    processes = [worker(client) for client in clients * 2]
    told = kill_at_work(processes[0]) | kill_at_work(processes[1])
    processes[:2] = [worker(client) for client in clients]
    for process in processes:
        assert f"{TRIALS} of {TRIALS} trials finished" in finished(process)
    for client in clients:
        study = client.place / "study"
        rows = json.loads(finished(client.start("trials", study, "--json")))
        assert [row["trial"] for row in rows] == list(range(TRIALS))
        assert {row["state"] for row in rows} == {"completed"}
        assert all(f"value={rows[n]['value']:.6g} " in line for n, line in told.items()), told
        # Two were killed. On a slow machine one that is only late may be taken for lost as well.
        again = [row["trial"] for row in rows if row["attempts"] > 1]
        assert 1 <= len(again) <= TRIALS // 6, f"the killed's trials are continued: {again}"
        finished(client.start("verify", study))


def examination(clients: list[Client]) -> tuple[list[int], dict[str, Any]]:
    """The exit statuses of doctors that met from all clients, and the report of one of them."""
    together = ("--processes", len(clients), "--session", "both", "--json")
    doctors = [c.start("doctor", c.place / "examined", *together) for c in clients]
    text = "".join(doctor.communicate(timeout=180)[0] for doctor in doctors)
    report = json.loads(text[text.index("{") : text.rindex("}") + 1])
    return [doctor.returncode for doctor in doctors], report


def assert_fit(clients: list[Client], filesystem: str) -> None:
    """The doctor finds a filesystem fit, from both clients together."""
    statuses, report = examination(clients)
    assert statuses == [0, 0], report["verdict"]
    assert report["ok"]
    assert report["filesystem"] == filesystem
    met = {finding["check"]: finding["measured"] for finding in report["findings"]}["processes"]
    assert met["nodes"] == 2


def check(directory: Path, filesystem: str) -> None:
    """All that is checked of a filesystem that is mounted at ``one`` and ``two``."""
    clients = clients_of(directory)
    study_with_kills(clients, directory / "study.py")
    assert_fit(clients, filesystem)


if __name__ == "__main__":
    check(Path(sys.argv[1]), sys.argv[2])
