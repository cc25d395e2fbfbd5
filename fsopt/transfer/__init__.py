"""Learning from earlier studies: reading them, and recording what they teach in a new one."""

from __future__ import annotations

from fsopt.transfer.evaluations import Evaluations
from fsopt.transfer.reading import read
from fsopt.transfer.recording import Imported, import_trials, register

__all__ = ["Evaluations", "Imported", "import_trials", "read", "register"]
