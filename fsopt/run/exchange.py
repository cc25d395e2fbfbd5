"""The temporary directory through which a program and fsopt talk.

``result.json`` is what the program writes to ``$FSOPT_RESULT``; ``reports.jsonl`` gets a line from
each ``fsopt step``; ``stop`` appears when the program should end. It lies on the node's own disk.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

RESULT = "FSOPT_RESULT"
TRIAL = "FSOPT_TRIAL"
STUDY = "FSOPT_STUDY"
CHECKPOINT_DIR = "FSOPT_CHECKPOINT_DIR"

STOP_STATUS = 3
"""Exit status of ``fsopt step`` when the program should end."""


@dataclass(slots=True)
class Exchange:
    """One program's exchange directory, seen from either side."""

    directory: Path
    _offset: int = field(default=0)

    @classmethod
    def from_environment(cls) -> Exchange | None:
        """The exchange of the program that this process belongs to, if it is one."""
        result = os.environ.get(RESULT)
        return cls(Path(result).parent) if result and os.environ.get(TRIAL) else None

    @property
    def result(self) -> Path:
        """The file that the program writes its result to."""
        return self.directory / "result.json"

    def report(self, step: int, value: float) -> None:
        """Report a value; for the program's side."""
        with self._reports.open("a") as file:
            file.write(f"{json.dumps([step, value])}\n")

    def should_stop(self) -> bool:
        """Whether the program should end; for the program's side."""
        return self._stop.exists()

    def new_reports(self) -> list[tuple[int, float]]:
        """Steps and values reported since this was last called; for fsopt's side."""
        try:
            with self._reports.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        return [(step, value) for step, value in map(json.loads, data[:end].splitlines())]

    def ask_to_stop(self) -> None:
        """Ask the program to end; for fsopt's side."""
        self._stop.touch()

    @property
    def _reports(self) -> Path:
        return self.directory / "reports.jsonl"

    @property
    def _stop(self) -> Path:
        return self.directory / "stop"
