"""What is compared: one class for each storage system."""

from __future__ import annotations

from collections.abc import Mapping

from fsopt.bench.systems.base import Compactable, Session, System
from fsopt.bench.systems.fsopt_study import FsoptStudy
from fsopt.bench.systems.neps_directory import NepsDirectory
from fsopt.bench.systems.optuna_journal import OptunaJournal

SYSTEMS: Mapping[str, System] = {
    system.name: system for system in (FsoptStudy(), OptunaJournal(), NepsDirectory())
}
"""All systems by name; the first is the one that the others are compared with."""

OWN, *_ = SYSTEMS

__all__ = ["OWN", "SYSTEMS", "Compactable", "Session", "System"]
