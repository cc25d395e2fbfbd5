"""The golden study with each of its bytes flipped, and each of its files cut at every byte.

Reading it always gives exactly what the undamaged lines say, and the check always tells where
something was lost, with one exception that no check can avoid: a log whose end was cut off, and
which nobody else has read so far, is like a log that was not written any further. A cut in the
middle of a line is noted even then.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import fsopt
from fsopt import codec
from fsopt.config import from_document
from fsopt.errors import ProtocolError
from fsopt.log import layout
from fsopt.log.files import TrialFiles
from fsopt.log.memory import MemoryFilesystem
from fsopt.log.verify import Problem, Severity
from fsopt.study import Study
from fsopt.study.verification import verify_filesystem
from tests.golden.picture import picture

STUDY = Path(__file__).parent / "v1" / "study"


def files_of(root: Path) -> dict[str, bytes]:
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): path.read_bytes() for path in paths}


GOLDEN = files_of(STUDY)
LOGS = {path: layout.parse_segment(Path(path).name) for path in GOLDEN if path.startswith("log/")}
CONFIG = from_document(GOLDEN[layout.STUDY], layout.STUDY)


def in_memory(files: Mapping[str, bytes]) -> MemoryFilesystem:
    filesystem = MemoryFilesystem()
    for path, content in files.items():
        filesystem.publish(path, content)
    return filesystem


def read(files: Mapping[str, bytes]) -> dict[str, object]:
    """What a process reads, but for the damage that it met."""
    return read_with_damage(files)[0]


def read_with_damage(
    files: Mapping[str, bytes],
) -> tuple[dict[str, object], set[tuple[str, int]]]:
    """What a process reads, and where it met damage."""
    study = Study(CONFIG, in_memory(files), TrialFiles(None), None)
    seen = picture(study)
    del seen["damage"]
    return seen, {(damage.file, damage.offset) for damage in study.session.journal.damage}


def check(files: Mapping[str, bytes]) -> set[Problem]:
    """What the check finds in logs and claims.

    The definition is left out: to compare configurations with it would take most of the time.
    """
    rest = {path: content for path, content in files.items() if path != layout.STUDY}
    problems = verify_filesystem(in_memory(rest)).problems
    return {problem for problem in problems if problem.file != layout.STUDY}


def flipped(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The content with one bit of each byte flipped; not always the same bit."""
    for at, byte in enumerate(content):
        yield at, content[:at] + bytes([byte ^ 1 << at % 8]) + content[at + 1 :]


def cut(content: bytes) -> Iterator[tuple[int, bytes]]:
    """The content cut before each byte."""
    for at in range(len(content)):
        yield at, content[:at]


def line_start(content: bytes, at: int) -> int:
    return content.rfind(b"\n", 0, at) + 1


def without_line(content: bytes, at: int) -> bytes:
    """A log without the line that has a byte at a place, and which ends at the next newline."""
    after = content.find(b"\n", at + 1) + 1
    return content[: line_start(content, at)] + content[after or len(content) :]


@cache
def expected(path: str, content: bytes) -> dict[str, object]:
    return read(GOLDEN | {path: content})


@cache
def numbers(path: str, content: bytes) -> frozenset[int]:
    """The events that the writer of a log has told, if one of its segments has this content."""
    writer = segment(path)[0]
    found = set()
    for other, (name, _) in ((other, segment(other)) for other in LOGS):
        for line in (content if other == path else GOLDEN[other]).split(b"\n"):
            try:
                record = codec.decode(line, writer)
            except codec.DamagedLineError:
                continue
            if name == writer:
                found.add(record.seq)
    return frozenset(found)


def segment(path: str) -> tuple[str, int]:
    key = LOGS[path]
    assert key is not None
    return key


def read_by_others(writer: str) -> int:
    """How far others had read a log, as their events tell."""
    ends = [0]
    for path in LOGS:
        for line in GOLDEN[path].split(b"\n"):
            try:
                event = codec.decode(line, segment(path)[0]).event
            except codec.DamagedLineError:
                continue
            ends.append(getattr(event, "seen", {}).get(writer, 0))
    return max(ends)


def new_errors(path: str, problems: set[Problem]) -> set[tuple[str, int]]:
    """Where in the log of a writer there are errors that the golden study does not have."""
    own = {other for other in LOGS if segment(other)[0] == segment(path)[0]}
    found = problems - check(GOLDEN)
    return {(p.file, p.offset) for p in found if p.severity is Severity.ERROR and p.file in own}


@pytest.mark.parametrize("path", LOGS)
def test_a_flipped_byte_of_a_log_costs_its_line_alone_and_is_found(path: str) -> None:
    content = GOLDEN[path]
    whole = numbers(path, content)
    for at, damaged in flipped(content):
        if not numbers(path, damaged) <= whole:
            continue  # the golden study has a line with one wrong byte, which this puts right
        left = without_line(content, at)
        seen, damage = read_with_damage(GOLDEN | {path: damaged})
        assert seen == expected(path, left), at
        if numbers(path, left) == whole:
            continue
        problems = check(GOLDEN | {path: damaged})
        place = path, line_start(content, at)
        if b"\n" in damaged[at:]:
            assert place in damage, at
            assert place in new_errors(path, problems), at
        else:
            assert place in {(p.file, p.offset) for p in problems}, at


@pytest.mark.parametrize("path", LOGS)
def test_a_log_that_is_cut_costs_what_was_cut_off_and_is_found(path: str) -> None:
    content, (writer, index) = GOLDEN[path], segment(path)
    whole, seen = numbers(path, content), read_by_others(writer)
    is_last = all(segment(other)[1] <= index for other in LOGS if segment(other)[0] == writer)
    for at, damaged in cut(content):
        left = damaged[: line_start(content, at)]
        assert read(GOLDEN | {path: damaged}) == expected(path, left), at
        lost = whole - numbers(path, left)
        if not lost:
            continue
        problems = check(GOLDEN | {path: damaged})
        if not is_last or min(lost) < seen:
            assert new_errors(path, problems), at
        elif at > len(left):
            assert (path, len(left)) in {(p.file, p.offset) for p in problems}, at


@pytest.mark.parametrize("path", [path for path in GOLDEN if path.startswith(layout.CLAIMS)])
def test_a_damaged_claim_changes_nothing_and_is_found(path: str) -> None:
    content = GOLDEN[path]
    whole, known = read(GOLDEN), check(GOLDEN)
    for damages in (flipped, cut):
        for at, damaged in damages(content):
            files = GOLDEN | {path: damaged}
            assert read(files) == whole, at
            assert any(path in f"{p.file} {p.what}" for p in check(files) - known), at


def refusal(definition: bytes) -> str | None:
    """With what words a definition is refused; None if it is read."""
    try:
        from_document(definition, layout.STUDY)
    except ProtocolError as error:
        return str(error)
    return None


def test_a_damaged_definition_is_read_or_refused_clearly_and_then_found() -> None:
    content = GOLDEN[layout.STUDY]
    refused = 0
    for damages in (flipped, cut):
        for at, damaged in damages(content):
            reason = refusal(damaged)
            result = verify_filesystem(in_memory({layout.STUDY: damaged}))
            assert result.ok == (reason is None), at
            if reason is not None:
                refused += 1
                assert reason.startswith(layout.STUDY), at
                assert {p.file for p in result.problems} == {layout.STUDY}, at
    assert refused > len(content)


def test_a_damaged_snapshot_is_passed_over_and_found(tmp_path: Path) -> None:
    shutil.copytree(STUDY, tmp_path / "study")
    fsopt.open_study(tmp_path / "study").compact()
    files = files_of(tmp_path / "study")
    (path,) = [path for path in files if path.endswith(".parquet")]
    content, whole, known = files[path], read(files), check(files)
    only = {path: b""}
    for damages in (flipped, cut):
        for at, damaged in damages(content):
            found = verify_filesystem(in_memory(only | {path: damaged})).problems
            assert path in {problem.file for problem in found}, at
            # To read the whole study each time would take a minute.
            if at % 100 == 0:
                assert read(files | {path: damaged}) == whole, at
                assert check(files | {path: damaged}) - known, at


@pytest.mark.parametrize("path", LOGS)
def test_a_snapshot_keeps_what_a_log_has_lost(path: str, tmp_path: Path) -> None:
    shutil.copytree(STUDY, tmp_path / "study")
    fsopt.open_study(tmp_path / "study").compact()
    files = files_of(tmp_path / "study")
    whole, content = read(files), files[path]
    starts = {line_start(content, at) for at in range(len(content))}
    for damages in (flipped, cut):
        for at, damaged in damages(content):
            if at in starts:
                assert read(files | {path: damaged}) == whole, at
