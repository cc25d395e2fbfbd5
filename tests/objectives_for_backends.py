"""Objectives that child processes can import."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import fsopt


def square(trial: fsopt.Trial) -> float:
    return float(trial["x"]) ** 2  # type: ignore[arg-type]


def slow(trial: fsopt.Trial) -> float:
    time.sleep(0.2)
    return 1.0


def talkative(trial: fsopt.Trial) -> float:
    for step in trial.steps(3):
        trial.report(step / 2, step=step)
    trial.set_attribute("pid", os.getpid())
    return 1.0


def raising(trial: fsopt.Trial) -> float:
    raise ValueError(f"not {trial.number}\nand a second line")


def exiting(trial: fsopt.Trial) -> float:
    sys.exit(3)


def returning_nonsense(trial: fsopt.Trial) -> str:
    return "good"


def dying(trial: fsopt.Trial) -> float:
    os.kill(os.getpid(), signal.SIGSEGV)
    return 1.0


def leaving(trial: fsopt.Trial) -> float:
    os._exit(7)


def patient(trial: fsopt.Trial) -> float:
    (trial.checkpoint_dir / "here").write_text("x")
    while not trial.should_stop():
        time.sleep(0.01)
    return 1.0


def even_are_bad(trial: fsopt.Trial) -> float:
    """Reports 1 and waits to be told to stop; or reports 0 and asks whether to stop, in vain."""
    is_bad = trial.number % 2 == 0
    trial.report(float(is_bad), step=1)
    deadline = time.monotonic() + (60 if is_bad else 0.3)
    while not trial.should_stop():
        if time.monotonic() > deadline:
            return 0.0
        time.sleep(0.01)
    assert not trial.preempted
    return 2.0


def deaf(trial: fsopt.Trial) -> float:
    Path(trial.directory / "pid").write_text(str(os.getpid()))
    time.sleep(60)
    return 1.0


def waiting_for_three_others(trial: fsopt.Trial) -> float:
    meeting = trial.root / "meeting"
    meeting.mkdir(exist_ok=True)
    (meeting / str(trial.number)).touch()
    deadline = time.monotonic() + 60
    while len(list(meeting.iterdir())) < 4:
        if time.monotonic() > deadline:
            raise TimeoutError("the others did not come")
        time.sleep(0.01)
    return 1.0


def printing(trial: fsopt.Trial) -> float:
    print(f"this is trial {trial.number}")
    print("an error", file=sys.stderr)
    os.write(1, b"past Python\n")
    ctypes.CDLL(None).printf(b"from C\n")
    subprocess.run(["echo", "from a program"], check=True)
    return 1.0


def printing_and_dying(trial: fsopt.Trial) -> float:
    print("last words")
    os.kill(os.getpid(), signal.SIGKILL)
    return 1.0


def quiet(trial: fsopt.Trial) -> float:
    return 1.0


def babbling(trial: fsopt.Trial) -> float:
    print("the beginning")
    for _ in range(2000):
        print("." * 999)
    print("the end")
    return 1.0


def detached(seconds: float) -> int:
    """The id of a process in a session of its own, whose parent has ended."""
    code = "import subprocess; p = subprocess.Popen(['sleep', '{}'], start_new_session=True,"
    code += " stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL); print(p.pid)"
    done = subprocess.run(
        [sys.executable, "-c", code.format(seconds)], check=True, capture_output=True, text=True
    )
    return int(done.stdout)


def stuck(trial: fsopt.Trial) -> float:
    """Says who belongs to it, then holds the interpreter's lock."""
    (trial.directory / "new").write_text(f"{os.getpid()} {os.getppid()} {detached(60)}")
    (trial.directory / "new").rename(trial.directory / "pids")
    print("begun")
    ctypes.PyDLL(None).sleep(60)
    return 1.0


def crashing_with_company(trial: fsopt.Trial) -> float:
    (trial.directory / "pids").write_text(f"{os.getpid()} {os.getppid()} {detached(60)}")
    os.kill(os.getpid(), signal.SIGSEGV)
    return 1.0


def hoarding(trial: fsopt.Trial) -> float:
    """Three processes of which each has less than 200 MiB."""
    code = "import time; hoard = b'x' * (150 * 2**20); time.sleep(60)"
    programs = [subprocess.Popen([sys.executable, "-S", "-c", code]) for _ in range(3)]
    (trial.directory / "pids").write_text(" ".join(str(p.pid) for p in programs))
    for program in programs:
        program.wait()
    return 1.0


def slotted(trial: fsopt.Trial) -> float:
    trial.set_attribute("slot", trial.slot)
    trial.set_attribute("device", os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
    trial.set_attribute("pid", os.getpid())
    time.sleep(0.3)
    return 1.0


def pooling(trial: fsopt.Trial) -> float:
    """A pool ends its processes by SIGTERM, and waits for them."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        return float(sum(pool.map(abs, [1, -2])))
