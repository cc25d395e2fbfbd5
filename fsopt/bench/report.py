"""The section of a document that a benchmark writes, between two marks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from fsopt.errors import StorageError


def section(command: str, facts: Mapping[str, str], body: Sequence[str]) -> str:
    """The Markdown of a benchmark: its command, its machine and the lines of what it found."""
    machine = "; ".join(f"{name}: {what}" for name, what in facts.items())
    lines = ["```", command, "```", "", f"{machine}.", "", *body]
    return "\n".join(lines) + "\n"


def check_marks(path: Path, name: str) -> None:
    """Make sure, before anything is measured, that a document can be written into.

    Raises:
        StorageError: If it can't be read, or lacks the marks.
    """
    _parts(path, name)


def replace_section(path: Path, name: str, text: str) -> None:
    """Write a section between its marks, instead of what stands there.

    Raises:
        StorageError: If the document can't be read or written, or lacks the marks.
    """
    before, after = _parts(path, name)
    try:
        path.write_text(f"{before}\n{text}{after}")
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}") from error


def _parts(path: Path, name: str) -> tuple[str, str]:
    """What stands up to the first mark, and what from the second one on."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"can't read {path}: {error}") from error
    before, begun, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not (begun and ended):
        raise StorageError(
            f"{path} has no place for the section; add the lines {begin!r} and, below it, {end!r}"
        )
    return before + begin, end + after
