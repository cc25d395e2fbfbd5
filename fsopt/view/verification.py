"""The result of a check, for people and for scripts."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fsopt.log.verify import Severity, Verification


def verification_json(found: Verification) -> dict[str, Any]:
    """The result as JSON."""
    return {
        "ok": found.ok,
        "events": found.events,
        "problems": [asdict(problem) for problem in found.problems],
        "writers": found.writers,
        "segments": found.segments,
        "trials": found.trials,
        "bytes": found.bytes,
    }


def verification_lines(found: Verification, directory: str) -> list[str]:
    """A line for each problem, and one that sums up."""
    lines = [f"{p.severity} {p.file}:{p.offset}: {p.what}" for p in found.problems]
    read = ", ".join(
        _count(number, what)
        for number, what in (
            (found.events, "event"),
            (found.trials, "trial"),
            (found.writers, "writer"),
            (found.segments, "segment"),
            (found.bytes, "byte"),
        )
    )
    result = ", ".join(_count(found.count(s), s) for s in Severity) if found.problems else "ok"
    return [*lines, f"{directory}: {result} ({read})"]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
