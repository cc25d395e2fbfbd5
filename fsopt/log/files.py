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

    def hand_over_checkpoint(
        self, trial: int, attempt: int, *, since: int, copy: bool = False
    ) -> bool:
        """Give the checkpoint of the latest earlier attempt to this one, if there is any.

        The directory is renamed, so that a process which was given up for lost but still runs
        can't write into what now belongs to somebody else: what it opens by the old name from now
        on is its own. Files that it has open, or a directory that it is in, move along; so where
        it may still run, the new attempt gets copies.

        Args:
            trial: Whose.
            attempt: The one that begins.
            since: The latest attempt that began before. What still earlier ones saved is not
                theirs to give: they were given up.
            copy: Whether that one may still run.

        Returns:
            Whether the new attempt finds anything in its directory.

        Raises:
            StorageError: If it can't be renamed or copied.
        """
        target = self._path(layout.checkpoint(trial, attempt))
        taken = self._path(layout.taken_checkpoint(trial, attempt))
        try:
            if not (target.is_dir() or taken.is_dir()):  # from an earlier try
                self._take(trial, range(since, attempt), taken)
            if copy and taken.is_dir() and not target.is_dir():
                partial = self._path(layout.copied_checkpoint(trial, attempt))
                _copy(taken, partial)
                partial.rename(target)
                shutil.rmtree(taken, ignore_errors=True)
            elif not target.is_dir():
                _rename(taken, target)
            return target.is_dir() and any(target.iterdir())
        except OSError as error:
            raise refused("hand over", str(target), error) from error

    def _take(self, trial: int, earlier: range, taken: Path) -> None:
        """Rename the latest of earlier checkpoints, of which one may be half handed over."""
        for attempt in reversed(earlier):
            for name in (layout.checkpoint, layout.taken_checkpoint):
                if _rename(self._path(name(trial, attempt)), taken):
                    return

    def _path(self, path: str) -> Path:
        return self.root / path


def _rename(source: Path, target: Path) -> bool:
    """Rename a directory; False if there is none."""
    try:
        source.rename(target)
    except FileNotFoundError:
        return False
    return True


def _copy(source: Path, target: Path) -> None:
    """Copy a directory with all that is in it."""
    target.mkdir(exist_ok=True)
    for path in source.iterdir():
        if path.is_dir() and not path.is_symlink():
            _copy(path, target / path.name)
        else:
            shutil.copy2(path, target / path.name, follow_symlinks=False)
