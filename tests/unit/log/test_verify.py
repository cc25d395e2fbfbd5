"""What a check of a study finds: nothing in a good one, and every damaged byte in a bad one."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fsopt
from fsopt import codec
from fsopt.errors import StorageError, StudyNotFoundError
from fsopt.events import (
    BudgetSet,
    Event,
    Heartbeat,
    Record,
    TrialCompleted,
    TrialFailed,
    TrialProposed,
    TrialReported,
    TrialStarted,
    WriterClosed,
    WriterStarted,
)
from fsopt.log import layout
from fsopt.log.files import TrialFiles
from fsopt.log.identity import Identity
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.verify import Problem, Severity, Verification
from fsopt.space import Categorical, Float, Space
from fsopt.study.dispatch import Dispatcher
from fsopt.study.session import Session
from fsopt.study.verification import verify_filesystem, verify_study
from tests.unit.log.test_writer_and_reader import TroubledFilesystem

CONFIG = fsopt.StudyConfig(
    space=Space(
        Float("x", 0.0, 1.0),
        Categorical("kind", ["a", "b"]),
        conditions={"kind": "x < 0.5"},
        constraints=["x > 0.001"],
    ),
    seed=1,
    optimizer=fsopt.RandomSearch(),
)


def objective(trial: fsopt.Trial) -> float:
    return float(trial["x"])


class Node:
    """A process at work on a study."""

    def __init__(self, filesystem: MemoryFilesystem, name: str) -> None:
        identity = Identity(writer=name, host=name, pid=os.getpid(), process=None, job=None)
        files = TrialFiles(None)
        self.session = Session(CONFIG, filesystem, files, identity, lambda: 0.0)
        self.dispatcher = Dispatcher(self.session)

    def take(self, count: int = 1) -> list[int]:
        return [a.number for a in self.dispatcher.take(count, None, leased=False)]

    def complete(self, number: int, attempt: int = 0) -> None:
        self.session.append(TrialCompleted(trial=number, attempt=attempt, values=(0.5,)))


def publish_definition(filesystem: MemoryFilesystem) -> None:
    study = fsopt.create_study(None, CONFIG)
    filesystem.publish(layout.STUDY, study.session.journal.filesystem.read(layout.STUDY))


def small_study(filesystem: MemoryFilesystem | None = None) -> MemoryFilesystem:
    """Two processes: one has left, the other is still at work; one trial was enqueued."""
    filesystem = filesystem or MemoryFilesystem()
    publish_definition(filesystem)
    a, b = Node(filesystem, "a"), Node(filesystem, "b")
    for number in a.take(2):
        a.complete(number)
    b.dispatcher.enqueue({"x": 0.75})
    for number in b.take(2):
        b.complete(number)
    a.session.close()
    return filesystem


def found(filesystem: MemoryFilesystem, severity: Severity) -> list[Problem]:
    return [p for p in verify_filesystem(filesystem).problems if p.severity is severity]


def errors(filesystem: MemoryFilesystem) -> list[str]:
    return [problem.what for problem in found(filesystem, Severity.ERROR)]


def warnings(filesystem: MemoryFilesystem) -> list[str]:
    return [problem.what for problem in found(filesystem, Severity.WARNING)]


def notes(filesystem: MemoryFilesystem) -> list[str]:
    return [problem.what for problem in found(filesystem, Severity.NOTE)]


def segments(filesystem: MemoryFilesystem) -> list[str]:
    return sorted(path for path in filesystem.files if path.startswith("log/"))


def replace(filesystem: MemoryFilesystem, path: str, content: bytes) -> None:
    filesystem.remove(path)
    filesystem.publish(path, content)


def line_at(data: bytes, at: int) -> int:
    """Where the line begins to which a byte belongs."""
    return data.rfind(b"\n", 0, at) + 1


# ----- studies with which nothing is wrong


def test_a_study_in_memory_is_clean() -> None:
    study = fsopt.create_study(None, CONFIG)
    study.run(objective, trials=5)
    filesystem = study.session.journal.filesystem
    study.close()
    result = verify_filesystem(filesystem)
    assert result.problems == ()
    assert result.ok
    assert (result.trials, result.writers, result.segments) == (5, 1, 1)
    assert result.events >= 12


def test_a_study_in_a_directory_is_clean_while_processes_work_on_it(tmp_path: Path) -> None:
    first, second = fsopt.create_study(tmp_path, CONFIG), fsopt.open_study(tmp_path)
    first.run(objective, trials=4)
    second.enqueue({"x": 0.9})
    waiting = second.enqueue({"x": 0.95})
    trial = first.ask()
    trial.report(0.1, step=1)
    (trial.directory / "mine.txt").write_text("anything")
    second.cancel(waiting)
    second.cancel(trial.number)
    second.retry(trial.number)
    first.tell(first.ask(), 1.0)
    assert verify_study(tmp_path).problems == ()
    first.close()
    second.close()
    result = verify_study(tmp_path)
    assert result.problems == ()
    assert result.bytes == sum(path.stat().st_size for path in tmp_path.glob("log/*/*.jsonl"))
    assert result.events == sum(
        path.read_bytes().count(b"\n") for path in tmp_path.glob("log/*/*.jsonl")
    )


def test_trials_of_lost_processes_that_were_taken_over_are_clean(tmp_path: Path) -> None:
    first = fsopt.create_study(tmp_path, CONFIG)
    first.ask(2)
    first.close()
    second = fsopt.open_study(tmp_path)
    second.run(objective, trials=3)
    second.close()
    assert second.state.trials[0].attempts.keys() == {0, 1}
    assert verify_study(tmp_path).problems == ()


def test_checking_changes_nothing(tmp_path: Path) -> None:
    with fsopt.create_study(tmp_path, CONFIG) as study:
        study.run(objective, trials=2)
    before = {path: path.stat() for path in tmp_path.rglob("*") if path.is_file()}
    verify_study(tmp_path)
    after = {path: path.stat() for path in tmp_path.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    assert all(before[p].st_mtime_ns == after[p].st_mtime_ns for p in before)


SYNC_FAILS: list[str | None] = [None, None, None, None, "torn"]
"""The second line is written, but not synced: it stands whole in both segments."""

WRITE_FAILS: list[str | None] = [None, None, None, None, None, "torn"]
"""The third line is cut short, and stands whole in the next segment."""


def rolled_over(plan: list[str | None]) -> TroubledFilesystem:
    """A study whose filesystem fails by plan, and works in the end."""
    filesystem = TroubledFilesystem([])
    publish_definition(filesystem)
    node = Node(filesystem, "a")
    filesystem.plan = list(plan)
    for _ in range(4):
        try:
            for number in node.take():
                node.complete(number)
        except StorageError:
            continue
    filesystem.plan = []
    node.session.append()
    return filesystem


@given(st.lists(st.sampled_from([None, None, None, "short", "full", "torn"]), max_size=40))
@settings(deadline=None, max_examples=60)
def test_whatever_the_disk_refused_no_error_is_left(plan: list[str | None]) -> None:
    result = verify_filesystem(rolled_over(plan))
    assert {p.severity for p in result.problems} <= {Severity.NOTE}
    assert result.ok


def test_a_torn_write_whose_event_was_written_again_is_a_note() -> None:
    filesystem = rolled_over(WRITE_FAILS)
    assert len(segments(filesystem)) == 2
    (note,) = found(filesystem, Severity.NOTE)
    first = bytes(filesystem.files[segments(filesystem)[0]])
    assert (note.file, note.offset) == (segments(filesystem)[0], line_at(first, len(first) - 1))
    assert "without its end: the write failed, and its event was written again" in note.what


# ----- every byte


@pytest.mark.parametrize("mask", [0xFF, 0x01, 0x40])
def test_every_flipped_byte_is_an_error_at_its_line(mask: int) -> None:
    filesystem = small_study()
    assert verify_filesystem(filesystem).problems == ()
    for path in segments(filesystem):
        data = bytes(filesystem.files[path])
        for at in range(len(data)):
            damaged = bytearray(data)
            damaged[at] ^= mask
            replace(filesystem, path, bytes(damaged))
            problems = found(filesystem, Severity.ERROR)
            assert (path, line_at(data, at)) in [(p.file, p.offset) for p in problems], at
        replace(filesystem, path, data)


def test_every_cut_inside_of_a_last_line_is_a_note() -> None:
    filesystem = small_study()
    for path in segments(filesystem):
        data = bytes(filesystem.files[path])
        for cut in range(len(data)):
            replace(filesystem, path, data[:cut])
            problems = verify_filesystem(filesystem).problems
            at = line_at(data, cut)
            torn = [(p.offset, p.severity) for p in problems if "without its end" in p.what]
            assert torn == ([(at, Severity.NOTE)] if cut > at else []), cut
        replace(filesystem, path, data)


def test_every_cut_that_loses_an_event_which_somebody_has_read_is_an_error() -> None:
    filesystem = small_study()
    path = layout.segment("a", 0)
    data = bytes(filesystem.files[path])
    for cut in range(len(data)):
        replace(filesystem, path, data[:cut])
        left = data[:cut].count(b"\n")
        told = [p.what for p in found(filesystem, Severity.ERROR)]
        # The proposal of the other process was made when this one had written five events.
        assert len(told) == (left < 5), cut
        if left == 3:
            assert told[0].startswith("events 3 to 4 of this writer are lost; whoever wrote log/")


def test_a_whole_log_that_is_gone_is_an_error_if_somebody_has_read_it() -> None:
    filesystem = small_study()
    filesystem.remove(layout.segment("a", 0))
    problems = {p.file: p.what for p in found(filesystem, Severity.ERROR)}
    assert problems[layout.segment("a", 0)].startswith("events 0 to 4 of this writer are lost")


def test_a_log_that_grew_while_others_were_read_has_lost_nothing() -> None:
    class Growing(MemoryFilesystem):
        growth = b""

        def read(self, path: str, offset: int = 0) -> bytes:
            data = super().read(path, offset)
            if path == layout.segment("a", 0):
                self.files[path] += self.growth
                self.growth = b""
            return data

    filesystem = Growing()
    small_study(filesystem)
    path = layout.segment("a", 0)
    data = bytes(filesystem.files[path])
    ends = [at + 1 for at, byte in enumerate(data) if byte == ord("\n")]
    replace(filesystem, path, data[: ends[0]])
    filesystem.growth = data[ends[0] : ends[4]]
    assert errors(filesystem) == []


def test_the_reader_who_knew_most_of_a_log_is_believed() -> None:
    filesystem = logs(lines([start()]))
    known = [TrialProposed(trial=0, params={"x": 0.75}, by="x", seen={"w": n}) for n in (2, 7, 1)]
    contested(filesystem, *known)
    assert any(what.startswith("events 1 to 6 of this") for what in errors(filesystem))


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", ""])
def test_a_position_of_what_is_no_writer_is_not_looked_for(name: str) -> None:
    filesystem = small_study()
    filesystem.claim(layout.claim(4), b"z\n")
    contested(filesystem, TrialStarted(trial=4, params={"x": 0.75}, by="random", seen={name: 9}))
    assert verify_filesystem(filesystem).problems == ()


@pytest.mark.parametrize("plan", [SYNC_FAILS, WRITE_FAILS])
def test_every_cut_of_a_segment_that_others_follow_is_an_error_if_it_loses_an_event(
    plan: list[str | None],
) -> None:
    filesystem = rolled_over(plan)
    path = segments(filesystem)[0]
    data = bytes(filesystem.files[path])
    torn = line_at(data, len(data) - 1)
    for cut in range(len(data)):
        replace(filesystem, path, data[:cut])
        assert verify_filesystem(filesystem).ok == (cut >= torn), cut
        assert all("lost" in what or "missing" in what for what in errors(filesystem)), cut


def test_a_flipped_byte_in_a_line_that_was_written_again_is_a_warning() -> None:
    filesystem = rolled_over(SYNC_FAILS)
    path = segments(filesystem)[0]
    data = bytearray(filesystem.files[path])
    at = line_at(bytes(data), len(data) - 1)
    data[at + 5] ^= 0xFF
    replace(filesystem, path, bytes(data))
    (warning,) = verify_filesystem(filesystem).problems
    assert (warning.severity, warning.file, warning.offset) == (Severity.WARNING, path, at)
    assert "no event is missing" in warning.what


@given(st.lists(st.binary(max_size=80), max_size=6))
@settings(deadline=None)
def test_any_bytes_whatsoever_are_judged(pieces: list[bytes]) -> None:
    filesystem = small_study()
    for path, piece in zip(sorted(filesystem.files), pieces, strict=False):
        replace(filesystem, path, piece)
    verify_filesystem(filesystem)


# ----- one writer's log


def start(name: str = "w") -> WriterStarted:
    return WriterStarted(host=name, pid=1, version="0", python="3")


def lines(events: Sequence[Event], first: int = 0, name: str = "w") -> bytes:
    records = [Record(name, seq, 1.0, event) for seq, event in enumerate(events, first)]
    return b"".join(map(codec.encode, records))


def logs(*contents: bytes, name: str = "w") -> MemoryFilesystem:
    """A study in which one writer has these segments."""
    filesystem = MemoryFilesystem()
    publish_definition(filesystem)
    add_logs(filesystem, *contents, name=name)
    return filesystem


def add_logs(filesystem: MemoryFilesystem, *contents: bytes, name: str = "w") -> None:
    for index, content in enumerate(contents):
        filesystem.publish(layout.segment(name, index), content)


def test_events_that_are_missing_are_an_error_at_the_next_line() -> None:
    data = lines([start(), Heartbeat()])
    filesystem = logs(data + lines([Heartbeat()], first=5))
    (problem,) = found(filesystem, Severity.ERROR)
    assert (problem.file, problem.offset) == (layout.segment("w", 0), len(data))
    assert problem.what == "events 2 to 4 of this writer are missing before this line"


@given(st.lists(st.lists(st.integers(0, 9), max_size=6), max_size=3))
@settings(deadline=None)
def test_exactly_what_is_missing_is_missed_in_any_order_of_lines(numbers: list[list[int]]) -> None:
    filesystem = logs(*(b"".join(lines([Heartbeat()], first=n) for n in part) for part in numbers))
    present = {number for part in numbers for number in part}
    missed = set()
    for what in errors(filesystem):
        if "missing before this line" in what:
            found = [int(word) for word in what.split() if word.isdigit()]
            missed |= set(range(found[0], found[-1] + 1))
    assert missed == set(range(max(present, default=0))) - present


def test_a_log_that_does_not_begin_at_its_beginning() -> None:
    assert errors(logs(lines([Heartbeat()], first=1))) == [
        "event 0 of this writer is missing before this line"
    ]


def test_a_log_must_begin_with_who_writes_it() -> None:
    assert errors(logs(lines([Heartbeat()]))) == [
        "the first event of a log must be writer.started"
    ]


def test_nothing_follows_the_end_of_a_log() -> None:
    data = lines([start(), WriterClosed()])
    assert errors(logs(data)) == []
    assert errors(logs(data + lines([Heartbeat()], first=2))) == [
        "event 2 follows writer.closed, after which nothing may come"
    ]
    (torn,) = errors(logs(data + b'{"seq"'))
    assert torn.startswith("a line of 6 bytes without its end: it follows writer.closed")


def test_two_events_of_one_number_are_an_error_and_the_same_line_twice_is_none() -> None:
    data = lines([start(), BudgetSet(trials=1)])
    assert errors(logs(data, lines([BudgetSet(trials=1)], first=1))) == []
    assert errors(logs(data, lines([BudgetSet(trials=2)], first=1))) == [
        "event 1 stands in the log before with other contents"
    ]


@pytest.mark.parametrize("junk", [b"\0" * 40 + b"\n", b"\n", b"{}\n", b"\xff\xfe\n"])
def test_junk_between_lines_that_costs_no_event_is_a_warning(junk: bytes) -> None:
    first = lines([start()])
    filesystem = logs(first + junk + lines([Heartbeat()], first=1))
    assert errors(filesystem) == []
    (problem,) = found(filesystem, Severity.WARNING)
    assert problem.offset == len(first)
    assert problem.what.endswith("no event is missing, so what stood there was written again")


def test_nuls_instead_of_lines_are_an_error_that_names_the_events() -> None:
    data = lines([start(), Heartbeat(), Heartbeat(), Heartbeat()])
    first, second = data.index(b"\n") + 1, data.rindex(b"\n", 0, -1)
    filesystem = logs(data[:first] + bytes(second - first) + data[second:])
    assert errors(filesystem) == [
        "the checksum does not match: events 1 to 2 of this writer are lost"
    ]


def test_a_damaged_line_that_was_to_be_written_again_but_was_not_is_an_error() -> None:
    data = lines([start(), Heartbeat()])
    (error,) = errors(logs(data + b"junk\n", lines([Heartbeat()], first=1)))
    assert error.endswith("nothing tells that its event was written again; it is lost")


def test_a_damaged_line_at_the_end_may_have_been_acknowledged() -> None:
    (error,) = errors(logs(lines([start()]) + b"junk\n"))
    assert error.endswith("nothing tells that its event was written again; it is lost")


def test_a_segment_that_is_not_there_is_a_note_unless_events_went_with_it() -> None:
    data = [lines([start()]), b"", lines([Heartbeat()], first=1)]
    filesystem = logs(*data)
    filesystem.remove(layout.segment("w", 1))
    assert errors(filesystem) == []
    assert notes(filesystem)[0].startswith("there is no segment 1 before it")
    replace(filesystem, layout.segment("w", 2), lines([Heartbeat()], first=3))
    assert errors(filesystem) == ["events 1 to 2 of this writer are missing before this line"]


def test_a_huge_number_costs_nothing() -> None:
    far = Record("w", 2**53, 1.0, TrialCompleted(trial=2**53, values=(1.0,)))
    filesystem = logs(lines([start()]) + codec.encode(far))
    filesystem.publish(layout.segment("w", 999_999_999), b"")
    assert any("events 1 to 9007199254740991" in what for what in errors(filesystem))


def test_events_of_newer_versions_are_events() -> None:
    data = lines([start()])
    text = b'{"seq":1,"time":1.0,"event":"trial.admired","trial":7'
    filesystem = logs(data + b'%b,"crc":"%08x"}\n' % (text, zlib.crc32(text)))
    result = verify_filesystem(filesystem)
    assert (result.events, result.problems) == (2, ())


# ----- names


def test_files_that_do_not_belong_there_are_notes() -> None:
    filesystem = small_study()
    strangers = [
        "notes.txt",
        ".study.json.0123456789ab",
        "log/readme",
        "log/zz/w.0.jsonl",
        f"{layout.log_shard('w')}/w.jsonl",
        f"{layout.log_shard('w')}/.w.0.jsonl",
        "claims/0/x",
        "claims/1/17",
        "claims/x/17",
        "trials/017/x",
        "trials/999/x",
    ]
    for path in strangers:
        filesystem.publish(path, b"")
    result = verify_filesystem(filesystem)
    assert {p.severity for p in result.problems} == {Severity.NOTE}
    named = {p.file for p in result.problems}
    assert all(any(path.startswith(name) for name in named) for path in strangers)
    assert len(result.problems) == len(strangers)
    assert sum("may be removed" in p.what for p in result.problems) == 2
    assert "no event tells of a trial 999" in [p.what for p in result.problems]


def test_a_snapshot_whose_checksum_does_not_match_is_a_warning() -> None:
    filesystem = small_study()
    filesystem.publish(layout.snapshot(1, "a", zlib.crc32(b"good")), b"good")
    assert verify_filesystem(filesystem).problems == ()
    filesystem.publish(layout.snapshot(2, "a", zlib.crc32(b"good")), b"evil")
    filesystem.publish("snapshot/CURRENT", b"")
    assert warnings(filesystem) == [
        "the checksum in its name does not match; readers pass over it"
    ]
    assert notes(filesystem) == ["is no file of the protocol; nobody reads it"]


def test_a_segment_in_the_wrong_directory_is_a_warning() -> None:
    filesystem = small_study()
    right = layout.segment("w", 0)
    shard = next(f"log/{i:x}" for i in range(16) if f"log/{i:x}" != layout.log_shard("w"))
    filesystem.publish(f"{shard}/w.0.jsonl", lines([start()]))
    (warning,) = warnings(filesystem)
    assert warning == f"lies in the wrong directory, so nobody reads it; it is {right}"


def test_files_and_directories_in_each_others_places(tmp_path: Path) -> None:
    study = fsopt.create_study(tmp_path, CONFIG)
    study.run(objective, trials=1)
    study.close()
    (tmp_path / layout.segment("x", 0)).mkdir(parents=True)
    (tmp_path / "trials").write_text("")
    (tmp_path / "claims/5").write_text("")
    result = verify_study(tmp_path)
    assert {(p.file, p.severity) for p in result.problems} == {
        (layout.segment("x", 0), Severity.ERROR),
        ("trials", Severity.NOTE),
        ("claims/5", Severity.NOTE),
    }


def test_a_file_that_can_not_be_read_is_an_error_and_the_others_are_checked() -> None:
    class Unreadable(MemoryFilesystem):
        broken = False

        def read(self, path: str, offset: int = 0) -> bytes:
            if self.broken and path in (layout.segment("a", 0), layout.claim(0)):
                raise OSError(errno.EIO, os.strerror(errno.EIO))
            return super().read(path, offset)

    filesystem = Unreadable()
    small_study(filesystem)
    filesystem.broken = True
    problems = found(filesystem, Severity.ERROR)
    assert {p.file for p in problems} >= {layout.segment("a", 0), layout.claim(0)}
    assert "can't be read: Input/output error; what is in it was not checked" in errors(filesystem)
    assert verify_filesystem(filesystem).writers == 2


# ----- claims against events


def test_a_start_without_its_claim_is_an_error() -> None:
    filesystem = small_study()
    filesystem.remove(layout.claim(0))
    assert "attempt 0 at trial 0 was started by a, but there is no claim claims/0/0" in errors(
        filesystem
    )


def test_a_claim_that_a_stale_listing_hides_is_found() -> None:
    class Stale(MemoryFilesystem):
        def list(self, path: str) -> list[str]:
            return [] if path == "claims" else super().list(path)

    filesystem = small_study(Stale())
    assert verify_filesystem(filesystem).problems == ()


def test_a_start_under_the_claim_of_another_is_an_error() -> None:
    filesystem = small_study()
    replace(filesystem, layout.claim(0), b"b\n")
    assert errors(filesystem) == [
        "attempt 0 at trial 0 was started by a, but claims/0/0 is held by b"
    ]


def test_a_proposal_under_the_claim_of_another_is_an_error() -> None:
    filesystem = small_study()
    replace(filesystem, layout.claim(2), b"a\n")
    assert errors(filesystem) == ["trial 2 was proposed by b, but claims/0/2 is held by a"]


def test_an_attempt_at_a_trial_that_was_proposed_needs_a_claim_of_its_own() -> None:
    filesystem = small_study()
    filesystem.remove(layout.claim(2, 0))
    assert errors(filesystem) == [
        "attempt 0 at trial 2 was started by b, but there is no claim claims/0/2.0"
    ]


def test_a_later_attempt_needs_a_claim_of_its_own() -> None:
    filesystem = small_study()
    b = Node(filesystem, "c")
    b.session.append(TrialStarted(trial=0, attempt=1))
    assert errors(filesystem) == [
        "attempt 1 at trial 0 was started by c, but there is no claim claims/0/0.1"
    ]
    filesystem.claim(layout.claim(0, 1), b"c\n")
    assert errors(filesystem) == []


def test_an_empty_claim_is_a_note_and_belongs_to_whoever_used_it() -> None:
    filesystem = small_study()
    replace(filesystem, layout.claim(0), b"")
    assert errors(filesystem) == warnings(filesystem) == []
    (note,) = found(filesystem, Severity.NOTE)
    assert note.file == layout.claim(0)
    assert note.what.startswith("is empty")


@pytest.mark.parametrize(
    "content", [b"\0\0\0", b"a", b"../../etc\n", b"a b\n", b"\xff\n", b"a\nb"]
)
def test_a_claim_that_names_no_writer_is_a_warning(content: bytes) -> None:
    filesystem = small_study()
    replace(filesystem, layout.claim(0), content)
    assert errors(filesystem) == []
    (warning,) = warnings(filesystem)
    assert warning.startswith("names no writer in one whole line")


def test_a_claim_of_a_process_without_a_log_is_a_warning() -> None:
    filesystem = small_study()
    filesystem.claim(layout.claim(0, 7), b"ghost\n")
    assert warnings(filesystem) == [
        "was claimed by ghost, which has no log; a writer begins its log first"
    ]


def test_a_process_that_began_its_log_after_the_is_being_checked_is_no_ghost() -> None:
    class Late(MemoryFilesystem):
        def list(self, path: str) -> list[str]:
            names = super().list(path)
            return [name for name in names if not name.startswith("late.")]

    filesystem = small_study(Late())
    add_logs(filesystem, lines([start()], name="late"), name="late")
    filesystem.claim(layout.claim(4), b"late\n")
    assert warnings(filesystem) == []


def test_a_number_that_was_claimed_and_not_used() -> None:
    filesystem = small_study()
    filesystem.claim(layout.claim(4), b"a\n")
    assert notes(filesystem) == [
        "no event tells of trial 4, which was given to a; "
        "if that process is lost, another takes the number over"
    ]
    Node(filesystem, "c").take()
    assert [what[:26] for what in warnings(filesystem)] == ["no event tells of trial 4,"]
    assert notes(filesystem) == errors(filesystem) == []


def test_what_comes_into_being_during_the_check_is_no_problem() -> None:
    class Busy(MemoryFilesystem):
        is_being_checked = False

        def read(self, path: str, offset: int = 0) -> bytes:
            if path == layout.segment("b", 0) and self.is_being_checked:
                self.is_being_checked = False
                self.claim(layout.claim(4), b"a\n")
                self.claim(layout.claim(5), b"b\n")
                self.publish("trials/5/x", b"")
            return super().read(path, offset)

    filesystem = Busy()
    small_study(filesystem)
    filesystem.is_being_checked = True
    assert verify_filesystem(filesystem).problems == ()
    assert len(verify_filesystem(filesystem).problems) == 3


def test_numbers_that_were_left_out_are_an_error() -> None:
    filesystem = small_study()
    filesystem.claim(layout.claim(7), b"a\n")
    assert errors(filesystem) == [
        "trials 4 to 6 were never given out, although trial 7 was; numbers have no gaps"
    ]


def test_numbers_below_the_budget_may_be_given_out_later() -> None:
    filesystem = contested(small_study(), BudgetSet(trials=8))
    filesystem.claim(layout.claim(7), b"a\n")
    assert errors(filesystem) == []
    notes = [problem.what for problem in verify_filesystem(filesystem).problems]
    assert "trials 4 to 6 were not given out yet, although trial 7 was" in notes
    filesystem.claim(layout.claim(9), b"a\n")
    assert errors(filesystem) == [
        "trial 8 was never given out, although trial 9 was; numbers have no gaps"
    ]


# ----- events against each other and the definition


def contested(filesystem: MemoryFilesystem, *events: Event) -> MemoryFilesystem:
    """A further writer says these things."""
    add_logs(filesystem, lines([start("z"), *events], name="z"), name="z")
    return filesystem


def test_two_starts_of_one_attempt_are_an_error() -> None:
    filesystem = contested(small_study(), TrialStarted(trial=0, params={"x": 0.75}, by="random"))
    told = errors(filesystem)
    assert any(w.startswith("trial 0: attempt 0 started by z, and also by a (log/") for w in told)
    assert "trial 0 was taken once more by z, but claims/0/0 is held by a" in told
    assert len(told) == 2


def test_two_proposals_of_one_trial_are_an_error() -> None:
    filesystem = contested(small_study(), TrialProposed(trial=2, params={"x": 0.75}, by="x"))
    assert any(
        w.startswith("trial 2: proposed by z, and also by b (log/") for w in errors(filesystem)
    )


def test_an_outcome_of_an_attempt_that_nobody_started_is_a_warning() -> None:
    filesystem = contested(small_study(), TrialCompleted(trial=0, attempt=3, values=(1.0,)))
    assert warnings(filesystem) == [
        "trial 0: an outcome of attempt 3, of which no event tells the start"
    ]


def test_a_trial_that_is_given_up_by_who_claims_its_next_attempt_is_clean() -> None:
    filesystem = contested(small_study(), TrialFailed(trial=0, attempt=1, reason="lost"))
    assert warnings(filesystem) == [
        "trial 0: an outcome of attempt 1, of which no event tells the start"
    ]
    filesystem.claim(layout.claim(0, 1), b"z\n")
    assert verify_filesystem(filesystem).problems == ()


def test_an_outcome_may_be_read_before_its_start() -> None:
    filesystem = small_study()
    add_logs(filesystem, lines([start("0"), TrialFailed(trial=3, reason="x")], name="0"), name="0")
    assert verify_filesystem(filesystem).problems == ()


@pytest.mark.parametrize("values", [(), (1.0, 2.0), (float("nan"),), (float("inf"),)])
def test_values_that_are_no_result_are_a_warning(values: tuple[float, ...]) -> None:
    filesystem = contested(small_study(), TrialCompleted(trial=0, values=values))
    (warning,) = warnings(filesystem)
    assert "are not one finite number for each objective; it counts as failed" in warning


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"x": 2.0}, "'x'"),
        ({"x": 0.2, "kind": "c"}, "'kind'"),
        ({"x": 0.2}, "'kind'"),
        ({"x": 0.7, "kind": "a"}, "'kind'"),
        ({"x": 0.7, "depth": 3}, "'depth'"),
        ({"x": 0.0, "kind": "a"}, "x > 0.001"),
    ],
)
def test_a_configuration_that_does_not_fit_is_a_warning(
    params: dict[str, object], message: str
) -> None:
    filesystem = small_study()
    filesystem.claim(layout.claim(4), b"z\n")
    contested(filesystem, TrialStarted(trial=4, params=params, by="random"))  # type: ignore[arg-type]
    (warning,) = warnings(filesystem)
    assert warning.startswith("trial 4: its configuration does not fit: ")
    assert message in warning


def test_configurations_are_checked_as_far_as_functions_allow(tmp_path: Path) -> None:
    space = Space(Float("x", 0.0, 1.0), constraints=[lambda p: p["x"] > 0.1])
    study = fsopt.create_study(tmp_path, space=space, optimizer=fsopt.RandomSearch())
    study.run(objective, trials=2)
    study.session.append(TrialProposed(trial=0, params={"x": 7.0}, by="x"))
    study.close()
    (warning,) = [p for p in verify_study(tmp_path).problems if p.severity is Severity.WARNING]
    assert "does not fit" in warning.what


def test_reports_of_unequal_length_are_a_warning() -> None:
    filesystem = contested(small_study(), TrialReported(trial=0, steps=(1, 2), values=(0.1,)))
    assert warnings(filesystem) == ["trial 0: reported 2 steps with 1 values"]


# ----- study.json


@pytest.mark.parametrize("content", [b"", b"{", b"\0\xff", b"[]", b"{}", b'{"min_reader": 1}'])
def test_a_damaged_definition_is_an_error_and_the_logs_are_checked(content: bytes) -> None:
    filesystem = small_study()
    replace(filesystem, layout.STUDY, content)
    result = verify_filesystem(filesystem)
    assert [(p.file, p.offset, p.severity) for p in result.problems] == [
        ("study.json", 0, Severity.ERROR)
    ]
    assert "this file is damaged" in result.problems[0].what
    assert result.events == verify_filesystem(small_study()).events


def test_a_missing_definition_is_an_error() -> None:
    filesystem = small_study()
    filesystem.remove(layout.STUDY)
    assert errors(filesystem) == ["is missing; restore the file from a copy"]


def test_a_study_of_a_newer_protocol_is_not_judged() -> None:
    filesystem = small_study()
    content = filesystem.read(layout.STUDY).replace(b'"min_reader": 1', b'"min_reader": 2')
    replace(filesystem, layout.STUDY, content)
    result = verify_filesystem(filesystem)
    assert (result.ok, result.events, len(result.problems)) == (False, 0, 1)
    assert "needs a reader of protocol 2" in result.problems[0].what
    assert "Nothing else was checked" in result.problems[0].what


def test_what_is_no_study_is_not_judged(tmp_path: Path) -> None:
    with pytest.raises(StudyNotFoundError, match="no study in"):
        verify_study(tmp_path / "nothing")
    with pytest.raises(StudyNotFoundError, match="no study in"):
        verify_study(tmp_path)


def test_the_worst_comes_first() -> None:
    filesystem = contested(small_study(), TrialCompleted(trial=0, attempt=3, values=(1.0,)))
    filesystem.publish("notes.txt", b"")
    filesystem.remove(layout.claim(0))
    result: Verification = verify_filesystem(filesystem)
    order = [problem.severity for problem in result.problems]
    assert order == sorted(order, key=list(Severity).index)
    assert set(order) == set(Severity)
