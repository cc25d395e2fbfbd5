"""Where the studies of a benchmark lie while it runs."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fsopt.bench.processes import run_job
from fsopt.errors import StorageError


@dataclass(slots=True)
class Workspace:
    """A directory for studies."""

    root: Path
    _prepared: set[Path] = field(default_factory=set)
    _compacted: set[Path] = field(default_factory=set)

    @contextlib.contextmanager
    def empty(self, system: str) -> Iterator[Path]:
        """A study without trials, which is removed afterwards.

        Raises:
            EvaluationError: If it could not be made.
        """
        path = self.root / f"{system}-new"
        try:
            run_job("prepare", system, path, trials=0)
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def prepared(self, system: str, trials: int, *, compacted: bool = False) -> Path:
        """A study of finished trials, made when it is asked for first.

        Args:
            system: Whose study.
            trials: How many trials.
            compacted: Whether it is to be compacted; then it stays so.

        Raises:
            EvaluationError: If it could not be made.
        """
        path = self.root / f"{system}-of-{trials}"
        if path not in self._prepared:
            run_job("prepare", system, path, trials=trials)
            self._prepared.add(path)
        if compacted and path not in self._compacted:
            run_job("compact", system, path, remove=False)
            self._compacted.add(path)
        return path


@contextlib.contextmanager
def workspace(parent: Path | None) -> Iterator[Workspace]:
    """A workspace, which is removed at the end.

    Args:
        parent: Where to make it; None for the system's directory for temporary files.

    Raises:
        StorageError: If it can't be made there.
    """
    try:
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
        made = tempfile.TemporaryDirectory(prefix="fsopt-bench-", dir=parent)
    except OSError as error:
        where = parent or "the temporary directory"
        what = f"can't work in {where}: {error.strerror}; give another --dir"
        raise StorageError(what) from error
    with made as name:
        yield Workspace(Path(name).resolve())
