"""What one process appends, the others read: through torn lines, failures and any bytes."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt import codec
from fsopt.errors import StorageError
from fsopt.events import BudgetSet, Event, Heartbeat, Record, WriterClosed
from fsopt.log import layout
from fsopt.log.filesystem import Appender, Filesystem, LocalFilesystem
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.reader import LogReader
from fsopt.log.writer import LogWriter


class TroubledAppender:
    """Fails, or writes a part of a line, when the plan says so."""

    def __init__(self, inner: Appender, filesystem: "TroubledFilesystem") -> None:
        self.inner, self.filesystem = inner, filesystem

    def write(self, data: bytes) -> int:
        trouble = self.filesystem.next_trouble()
        if trouble == "short":
            return self.inner.write(data[: len(data) // 2])
        if trouble == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if trouble == "torn":
            self.inner.write(data[:-5])
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return self.inner.write(data)

    def sync(self) -> None:
        if self.filesystem.next_trouble() is not None:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self.inner.sync()

    def close(self) -> None:
        self.inner.close()


class TroubledFilesystem(MemoryFilesystem):
    """A filesystem in memory whose operations go wrong by plan."""

    def __init__(self, plan: list[str | None]) -> None:
        super().__init__()
        self.plan = plan

    def next_trouble(self) -> str | None:
        return self.plan.pop(0) if self.plan else None

    def create(self, path: str) -> Appender:
        if self.next_trouble() == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return TroubledAppender(super().create(path), self)


def writer_on(filesystem: Filesystem, name: str = "w") -> LogWriter:
    return LogWriter(filesystem, name, wall_clock=lambda: 1.0)


def read_all(filesystem: Filesystem) -> list[Record]:
    return LogReader(filesystem, own="nobody").poll(0.0)


def budgets(records: list[Record]) -> list[int]:
    return [r.event.trials for r in records if isinstance(r.event, BudgetSet)]


troubles = st.lists(st.sampled_from([None, None, None, "short", "full", "torn"]), max_size=40)


@given(troubles, st.lists(st.integers(1, 3), max_size=8))
def test_whatever_goes_wrong_every_acknowledged_event_is_read_once(
    plan: list[str | None], sizes: list[int]
) -> None:
    filesystem = TroubledFilesystem(plan)
    writer = writer_on(filesystem)
    acknowledged: list[Record] = []
    refusals: list[bool] = []
    number = 0
    for size in sizes:
        events: list[Event] = [BudgetSet(trials=number + i) for i in range(size)]
        number += size
        try:
            acknowledged += writer.append(events).records
        except StorageError as error:
            refusals.append(error.passing)
    filesystem.plan.clear()
    assert all(refusals)
    acknowledged += writer.append([]).records
    assert writer.backlog == 0
    assert budgets(acknowledged) == list(range(number))
    read = {record.seq: record for record in read_all(filesystem)}
    assert budgets([read[seq] for seq in sorted(read)]) == list(range(number))


def test_nothing_is_ever_overwritten() -> None:
    filesystem = TroubledFilesystem([None, None, None, None, "torn"])
    writer = writer_on(filesystem)
    writer.append([BudgetSet(trials=1)])
    before = bytes(filesystem.files[layout.segment("w", 0)])
    writer.append([BudgetSet(trials=2)])
    assert bytes(filesystem.files[layout.segment("w", 0)]).startswith(before)
    assert layout.segment("w", 1) in filesystem.files


def test_a_refusal_for_good_is_told_with_the_path() -> None:
    class Forbidden(MemoryFilesystem):
        def create(self, path: str) -> Appender:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    with pytest.raises(StorageError, match=r"can't append to memory:log/.*Permission denied") as e:
        writer_on(Forbidden()).append([Heartbeat()])
    assert not e.value.passing


def lines(count: int) -> list[bytes]:
    return [codec.encode(Record("w", seq, 1.0, BudgetSet(trials=seq))) for seq in range(count)]


def put(filesystem: MemoryFilesystem, data: bytes, index: int = 0) -> None:
    path = layout.segment("w", index)
    filesystem.remove(path)
    filesystem.publish(path, data)


@pytest.mark.parametrize("cut", range(len(b"".join(lines(3))) + 1))
def test_a_log_cut_at_any_byte_gives_its_whole_lines_and_the_rest_later(cut: int) -> None:
    data, filesystem = b"".join(lines(3)), MemoryFilesystem()
    put(filesystem, data[:cut])
    reader = LogReader(filesystem, own="nobody")
    first = reader.poll(0.0)
    assert budgets(first) == list(range(data[:cut].count(b"\n")))
    assert not reader.damage
    put(filesystem, data)
    assert budgets(first + reader.poll(1.0)) == [0, 1, 2]


@pytest.mark.parametrize("at", range(len(b"".join(lines(3)))))
def test_a_flipped_byte_costs_only_its_own_line(at: int) -> None:
    data = bytearray(b"".join(lines(3)))
    data[at] ^= 0xFF
    filesystem = MemoryFilesystem()
    put(filesystem, bytes(data))
    reader = LogReader(filesystem, own="nobody")
    seen = budgets(reader.poll(0.0))
    # A flipped newline joins two lines, or leaves the last one unfinished.
    assert len(seen) >= (1 if data[at] == ord("\n") ^ 0xFF else 2)
    assert set(seen) < {0, 1, 2}


@given(st.lists(st.binary(max_size=60), max_size=6), st.data())
def test_any_bytes_between_lines_are_skipped_and_reported(
    garbage: list[bytes], data: st.DataObject
) -> None:
    pieces = [(line, False) for line in lines(3)]
    for piece in garbage:
        at = data.draw(st.integers(0, len(pieces)))
        pieces.insert(at, (piece.replace(b"\n", b"") + b"\n", True))
    filesystem = MemoryFilesystem()
    put(filesystem, b"".join(piece for piece, _ in pieces))
    reader = LogReader(filesystem, own="nobody")
    assert budgets(reader.poll(0.0)) == [0, 1, 2]
    offsets, offset = [], 0
    for piece, bad in pieces:
        offsets += [offset] * bad
        offset += len(piece)
    assert [damage.offset for damage in reader.damage] == offsets


@given(st.lists(st.integers(1, 40), max_size=30))
def test_reading_in_any_steps_gives_the_same(steps: list[int]) -> None:
    data, filesystem = b"".join(lines(5)), MemoryFilesystem()
    reader = LogReader(filesystem, own="nobody")
    seen, end = [], 0
    for step in [*steps, len(data)]:
        end = min(end + step, len(data))
        put(filesystem, data[:end])
        seen += reader.poll(0.0)
    assert budgets(seen) == list(range(5))


def test_a_torn_segment_is_left_behind_when_its_writer_goes_on_to_the_next() -> None:
    filesystem = MemoryFilesystem()
    first, second, third = lines(3)
    put(filesystem, first + second[:7])
    reader = LogReader(filesystem, own="nobody")
    assert budgets(reader.poll(0.0)) == [0]
    put(filesystem, second + third, index=1)
    assert budgets(reader.poll(1.0)) == [1, 2]


def test_own_and_foreign_files_are_not_read() -> None:
    filesystem = MemoryFilesystem()
    put(filesystem, lines(1)[0])
    shard = layout.log_shard("w")
    for name in ["w.jsonl", "w.00.jsonl", ".w.0.jsonl", "a b.0.jsonl", "w.0.jsonl.tmp"]:
        filesystem.publish(f"{shard}/{name}", lines(1)[0])
    filesystem.publish("log/zz/w.5.jsonl", lines(1)[0])
    assert LogReader(filesystem, own="w").poll(0.0) == []
    assert len(read_all(filesystem)) == 1


def test_growth_is_noted_by_the_observers_clock() -> None:
    filesystem = MemoryFilesystem()
    writer, reader = writer_on(filesystem), LogReader(filesystem, own="nobody")
    writer.append([Heartbeat()])
    reader.poll(10.0)
    reader.poll(20.0)
    assert reader.last_growth == {"w": 10.0}
    writer.append([Heartbeat()])
    reader.poll(30.0)
    assert reader.last_growth == {"w": 30.0}


def test_a_closed_log_is_not_opened_again() -> None:
    filesystem = MemoryFilesystem()
    writer, reader = writer_on(filesystem), LogReader(filesystem, own="nobody")
    writer.append([WriterClosed()])
    reader.poll(0.0)
    filesystem.remove(layout.segment("w", 0))
    assert reader.poll(1.0) == []


def test_an_unreadable_file_does_not_hide_the_others(tmp_path: Path) -> None:
    class Unreadable(LocalFilesystem):
        def read(self, path: str, offset: int = 0) -> bytes:
            if "/a." in path:
                raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
            return super().read(path, offset)

    filesystem = Unreadable(tmp_path)
    writer_on(filesystem, "a").append([BudgetSet(trials=1)])
    writer_on(filesystem, "b").append([BudgetSet(trials=2)])
    reader = LogReader(filesystem, own="nobody")
    assert budgets(reader.poll(0.0)) == [2]
    with pytest.raises(StorageError, match="Stale file handle"):
        reader.poll(1.0)


def test_acknowledged_lines_that_show_after_the_next_segment_are_not_lost() -> None:
    filesystem = MemoryFilesystem()
    first, second = layout.segment("w", 0), layout.segment("w", 1)
    lines = [codec.encode(Record("w", seq, 0.0, BudgetSet(trials=seq + 1))) for seq in range(3)]
    filesystem.create(first)
    filesystem.create(second).write(lines[2])
    reader = LogReader(filesystem, own="nobody")
    assert [record.seq for record in reader.poll(0.0)] == [2]
    filesystem.files[first] += lines[0] + lines[1]
    assert [record.seq for record in reader.poll(60.0)] == [0, 1]
    assert all(not position.final for position in reader.positions)
    reader.poll(200.0)
    assert [position.final for position in reader.positions] == [True, False]
