"""Counting the system calls in what ``strace -f -y`` has recorded of one process."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass

_LINE = re.compile(r"(?:(\d+) +)?(.*)")
_CALL = re.compile(r"([a-z]\w*)\(")
_RESUMED = re.compile(r"<\.\.\. \w+ resumed>")
_UNFINISHED = " <unfinished ...>"
_DATA = re.compile(r"\w+\(\d+<([^>]*)>")
_RESULT = re.compile(r"= (\d+)\s*$")
_NAME = re.compile(r'"([^"]*)"')

_OPENING = frozenset({"open", "openat", "openat2", "creat"})
_RENAMING = frozenset({"mkdir", "mkdirat", "mknod", "mknodat", "rmdir", "unlink", "unlinkat"})
_RENAMING |= {"rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat"}
_LOOKING = frozenset({"stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2"})
_LOOKING |= {"readlink", "readlinkat", "getdents64"}
_SYNCING = frozenset({"fsync", "fdatasync", "sync_file_range", "syncfs", "msync"})
_WRITING = frozenset({"write", "writev", "pwrite64", "pwritev", "pwritev2"})
_READING = frozenset({"read", "readv", "pread64", "preadv", "preadv2"})


@dataclass(frozen=True, slots=True)
class Counts:
    """System calls, and those of them that concern a directory."""

    calls: int = 0
    """All calls, of whatever kind."""
    names: int = 0
    """Attempts to create, remove or rename something in the directory."""
    lookups: int = 0
    """Names in the directory that were looked up, and reads of listings."""
    syncs: int = 0
    """Calls that wait for the disk."""
    written: int = 0
    """Bytes written to files in the directory."""
    read: int = 0
    """Bytes read from files in the directory."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: Counts) -> Counts:
        return Counts(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))


def count(lines: Iterable[str], directory: str) -> Counts:
    """Count what a process asked of the system.

    An ``open`` with ``O_CREAT`` counts as creating a name when it is exclusive, or the first one
    of that name; otherwise the file is there already, and the name is looked up.

    Args:
        lines: The record.
        directory: Absolute path; only names and data in it are told apart.
    """
    known: set[str] = set()
    calls = names = lookups = syncs = written = read = 0
    for call in _calls(lines):
        calls += 1
        kind = call.partition("(")[0]
        syncs += kind in _SYNCING
        if directory not in call:
            continue
        if kind in _RENAMING or (kind in _OPENING and _creates(kind, call, known)):
            names += 1
        elif kind in _OPENING or (kind in _LOOKING and '""' not in call):
            lookups += 1
        elif kind in _WRITING:
            written += _bytes(call, directory)
        elif kind in _READING:
            read += _bytes(call, directory)
    return Counts(calls, names, lookups, syncs, written, read)


def _calls(lines: Iterable[str]) -> Iterator[str]:
    """The calls, each as one text, although those of several threads interleave."""
    begun: dict[str, str] = {}
    for line in lines:
        match = _LINE.match(line.rstrip("\n"))
        thread, text = (match[1] or "", match[2]) if match else ("", "")
        if _CALL.match(text) and text.endswith(_UNFINISHED):
            begun[thread] = text.removesuffix(_UNFINISHED)
        elif _CALL.match(text):
            yield text
        elif resumed := _RESUMED.match(text):
            yield begun.pop(thread, "") + text[resumed.end() :]
    yield from begun.values()


def _creates(kind: str, call: str, known: set[str]) -> bool:
    name = _NAME.search(call)
    if name is None or not (kind == "creat" or "O_CREAT" in call):
        return False
    path = call[: name.end()]
    first = path not in known
    known.add(path)
    return first or "O_EXCL" in call


def _bytes(call: str, directory: str) -> int:
    """What a call has read or written, if its file is in the directory."""
    data, result = _DATA.match(call), _RESULT.search(call)
    if data is None or result is None or not data[1].startswith(directory):
        return 0
    return int(result[1])
