"""The directories in which objectives keep their own files."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from fsopt.log import layout
from fsopt.log.filesystem import refused


class TrialFiles:
    """Finds and makes the directories of trials, each only when somebody asks for it.

    Args:
        root: The study directory; None for a study in memory, whose objectives get a temporary
            directory that lives as long as this object.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root

    @property
    def root(self) -> Path:
        """The directory that everything is below."""
        if self._root is None:
            temporary = tempfile.mkdtemp(prefix="fsopt-")
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
            self._root = Path(temporary)
        return self._root

    def hand_over_checkpoint(self, trial: int, attempt: int) -> None:
        """Give the checkpoint of the latest earlier attempt to this one, if there is any.

        The directory is renamed, so that a process which was given up for lost but still runs
        can't write into what now belongs to somebody else.

        Raises:
            StorageError: If it can't be renamed.
        """
        target = self.root / layout.checkpoint(trial, attempt)
        for earlier in reversed(range(attempt)):
            try:
                (self.root / layout.checkpoint(trial, earlier)).rename(target)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise refused("hand over", str(target), error) from error
            return
