"""On what a benchmark ran: without it, no number means anything."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path

from fsopt.log.mounts import filesystem_of

_CPU = Path("/proc/cpuinfo")


def facts(directory: Path, packages: Iterable[str]) -> dict[str, str]:
    """What is known of this machine, of the directory's filesystem and of packages.

    Args:
        directory: Where the benchmark works; it must exist.
        packages: The distributions whose versions are told.
    """
    found = {
        "CPU": f"{os.cpu_count() or 'an unknown number of'} cores, {_cpu_model()}",
        "load before": _load(),
        "filesystem": filesystem_of(directory.resolve()).kind,
        "kernel": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
    }
    return found | {name: version(name) or "not installed" for name in packages}


def version(distribution: str) -> str | None:
    """The version of an installed package; None if it is not installed."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def _cpu_model() -> str:
    try:
        match = re.search(r"^model name\s*: (.+)$", _CPU.read_text(), re.MULTILINE)
    except OSError:
        match = None
    return match[1] if match else platform.machine()


def _load() -> str:
    """Whether the machine was busy with other work: the mean number of processes in a minute."""
    try:
        return f"{os.getloadavg()[0]:.2f}"
    except OSError:
        return "unknown"
