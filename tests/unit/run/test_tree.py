"""The processes below one are found and measured, with those that have detached themselves."""

import os
import signal
import subprocess
import sys
import time

import pytest

from fsopt.run import tree
from fsopt.run.guard import reason_of_end

DETACHES = """
import subprocess, sys, time
from fsopt.run.tree import adopt_orphans
adopt_orphans()
code = "import subprocess; print(subprocess.Popen(['sleep', '60'], start_new_session=True,"
code += " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).pid)"
print(subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout)
sys.stdout.flush()
time.sleep(60)
"""


@pytest.mark.parametrize("kernel_tells", [True, False])
def test_a_process_that_detaches_itself_stays_in_the_tree(
    kernel_tells: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tree, "_KERNEL_TELLS", kernel_tells)
    with subprocess.Popen([sys.executable, "-c", DETACHES], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            detached = int(process.stdout.readline())
            assert tree.descendants(process.pid) == [detached]
            assert process.pid in tree.descendants(os.getpid())
            assert detached in tree.descendants(os.getpid())
        finally:
            tree.signal_all([*tree.descendants(process.pid), process.pid], signal.SIGKILL)
    assert tree.descendants(process.pid) == []


def test_pages_that_processes_share_count_once() -> None:
    # The fork shares 200 MiB with its parent.
    code = "import os, time; hoard = b'x' * (200 * 2**20); os.fork(); print(1, flush=True)"
    code += "; time.sleep(60)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            for _ in range(2):
                process.stdout.readline()
            pids = [process.pid, *tree.descendants(process.pid)]
            assert len(pids) == 2
            assert not tree.exceeds_memory(pids, 300 * 2**20)
            assert tree.exceeds_memory(pids, 150 * 2**20)
        finally:
            tree.signal_all(pids, signal.SIGKILL)


def test_processes_that_are_gone_weigh_nothing_and_hear_nothing() -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    assert not tree.exceeds_memory([process.pid], 1)
    tree.signal_all([process.pid], signal.SIGKILL)


def test_a_process_dies_with_its_parent() -> None:
    code = "from fsopt.run.tree import die_with_parent; import os, time; die_with_parent()"
    code += "; print(os.getpid(), flush=True); time.sleep(60)"
    middle = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with subprocess.Popen([sys.executable, "-c", middle], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        process.kill()
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it still runs")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(3, "exit 3"), (0, "exit 0"), (-11, "signal 11 (SIGSEGV)"), (-63, "signal 63")],
)
def test_an_end_has_its_reason(status: int, reason: str) -> None:
    assert reason_of_end(status) == reason
