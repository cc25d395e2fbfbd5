"""Ctrl-C may come between any two lines of code: the log stays whole, and nothing is lost."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import Any

import pytest

from fsopt.events import BudgetSet, Record, WriterClosed, WriterStarted
from fsopt.log.identity import Identity
from fsopt.log.journal import Journal
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.reader import LogReader

FILES = ("journal.py", "writer.py", "memory.py")
"""Where interrupts come, all in ``fsopt/log``."""


class Interrupter:
    """Raises `KeyboardInterrupt` before the n-th line that is run in these files."""

    def __init__(self, line: int) -> None:
        self.left = line

    def __call__(self, frame: FrameType, what: str, _: Any) -> Any:
        directory, name = os.path.split(frame.f_code.co_filename)
        if name not in FILES or not directory.endswith("fsopt/log"):
            return None
        # Python lets no signal in between a block's end and the release of what it holds. What a
        # tracer raises within a comprehension (a signal's does not) leaves the block around it
        # without that release, from Python 3.12 on.
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if what == "line" and not text.startswith("with ") and " for " not in text:
            self.left -= 1
            if self.left == 0:
                raise KeyboardInterrupt
        return self


def journal_on(filesystem: MemoryFilesystem) -> Journal:
    identity = Identity(writer="w", host="h", pid=os.getpid(), process=None, job=None)
    return Journal(
        filesystem, identity, lambda i: WriterStarted(host="h", pid=i.pid, version="0", python="3")
    )


def read(filesystem: MemoryFilesystem) -> list[Record]:
    reader = LogReader(filesystem, own="")
    records = reader.poll(0.0)
    assert not reader.damage
    unique = {(r.writer, r.seq): r for r in records}
    assert all(unique[r.writer, r.seq] == r for r in records), "one number, two events"
    return [unique[key] for key in sorted(unique)]


def test_an_interrupt_before_any_line_costs_no_acknowledged_event_and_leaves_no_gap() -> None:
    for line in range(1, 1000):
        filesystem = MemoryFilesystem()
        journal = journal_on(filesystem)
        acknowledged, interrupter = 0, Interrupter(line)
        sys.settrace(interrupter)
        try:
            for number in (1, 2, 3):
                journal.append([BudgetSet(trials=number), BudgetSet(trials=10 * number)])
                acknowledged = number
        except KeyboardInterrupt:
            pass
        finally:
            sys.settrace(None)
        journal.close()
        records = read(filesystem)
        assert [r.seq for r in records] == list(range(len(records)))
        if records:
            assert isinstance(records[0].event, WriterStarted)
            assert isinstance(records[-1].event, WriterClosed)
        told = {r.event.trials for r in records if isinstance(r.event, BudgetSet)}
        assert told >= {n for k in range(1, acknowledged + 1) for n in (k, 10 * k)}
        if acknowledged == 3 and interrupter.left > 0:
            return
    pytest.fail("never got through")
