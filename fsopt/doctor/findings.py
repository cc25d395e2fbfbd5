"""What the doctor found, and how it is told."""

from __future__ import annotations

import errno
import statistics
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["ok", "warning", "failed"]
Measurement = float | int | str

KEEPS = "this filesystem keeps what fsopt needs"

_INDENT = 28


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check."""

    check: str
    verdict: Verdict
    what: str
    """One or two plain sentences: what was seen, and what to do about it."""
    measured: Mapping[str, Measurement] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Report:
    """All findings about one directory."""

    filesystem: str
    """The type as the operating system names it, such as ``lustre``; ``unknown``."""
    findings: Sequence[Finding]
    rank: int = 0
    """The number of this process among those that examined together; number 0 tells people."""

    @property
    def ok(self) -> bool:
        """Whether nothing that fsopt needs is missing."""
        return not self._checks("failed")

    @property
    def verdict(self) -> str:
        """The one sentence that sums it up."""
        if not self.ok:
            reasons = [f.what for f in self.findings if f.verdict == "failed"]
            return f"do not run fsopt here: {' '.join(reasons)}"
        reservations = self._checks("warning")
        if reservations:
            return f"{KEEPS}, with these reservations: {', '.join(reservations)}"
        return KEEPS

    def data(self) -> dict[str, object]:
        """What ``fsopt doctor --json`` prints."""
        return {
            "ok": self.ok,
            "verdict": self.verdict,
            "filesystem": self.filesystem,
            "findings": [
                {
                    "check": finding.check,
                    "verdict": finding.verdict,
                    "what": finding.what,
                    "measured": dict(finding.measured),
                }
                for finding in self.findings
            ],
        }

    def lines(self, width: int) -> list[str]:
        """The findings as a table for people, and the verdict, no wider than ``width``."""
        lines = []
        for finding in self.findings:
            head = f"{finding.verdict:8} {finding.check:18} "
            lines += textwrap.wrap(
                finding.what,
                max(width, _INDENT + 20),
                initial_indent=head.ljust(_INDENT),
                subsequent_indent=" " * _INDENT,
            )
        return [*lines, "", self.verdict]

    def _checks(self, verdict: Verdict) -> list[str]:
        return [finding.check for finding in self.findings if finding.verdict == verdict]


def in_milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """Median and worst of durations, as every check reports them."""
    return {
        "median_ms": round(statistics.median(seconds) * 1e3, 3),
        "worst_ms": round(max(seconds) * 1e3, 3),
        "count": len(seconds),
    }


def duration(seconds: float) -> str:
    """A duration for people."""
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.1f} s"


def error_name(error: OSError) -> str:
    """The error as manuals name it, such as ``EPERM``."""
    return errno.errorcode.get(error.errno or 0, str(error))
