"""Creating, joining and opening studies."""

from __future__ import annotations

import datetime
import os
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsopt
from fsopt.config import StudyConfig, from_document, join, to_document
from fsopt.errors import StorageError, StudyError, StudyNotFoundError
from fsopt.log import layout
from fsopt.log.files import TrialFiles
from fsopt.log.filesystem import Filesystem, LocalFilesystem, refused
from fsopt.log.memory import MemoryFilesystem
from fsopt.space import sample
from fsopt.streams import MAX_SEED, stream
from fsopt.study.study import Study


def create_study(
    directory: str | os.PathLike[str] | None, config: StudyConfig | None = None, **options: Any
) -> Study:
    """Create a study, or join it if the directory holds the same study already.

    Args:
        directory: Where the study lives; None keeps it in the memory of this process.
        config: The definition of the study.
        **options: The fields of `StudyConfig`, instead of a config.

    Raises:
        StudyMismatchError: If the directory holds a study with another space, objectives or seed.
        InfeasibleSpaceError: If no configuration satisfies the constraints.
        PriorError: If an earlier study can't be read, or teaches nothing.
        StorageError: If the directory can't be written.
    """
    if config is None:
        config = StudyConfig(**options)
    elif options:
        raise StudyError(f"give a config or keywords, not both: {', '.join(options)}")
    study = _created_or_joined(directory, config)
    if config.prior is not None:
        from fsopt.transfer import register

        register(study, config.prior)
    return study


def _created_or_joined(directory: str | os.PathLike[str] | None, config: StudyConfig) -> Study:
    if directory is None:
        return _create(MemoryFilesystem(), TrialFiles(None), None, config)
    root = Path(directory)
    filesystem = LocalFilesystem(root)
    existing = _read_document(filesystem, root)
    if existing is not None:
        where = filesystem.describe(layout.STUDY)
        joined = join(from_document(existing, where), config, str(root))
        return Study(joined, filesystem, TrialFiles(root), root)
    return _create(filesystem, TrialFiles(root), root, config)


def open_study(directory: str | os.PathLike[str]) -> Study:
    """Open an existing study; everything is read from its directory.

    Conditions and constraints that are Python functions live only in the script that created the
    study: a study that has some can be read, told and analysed, but makes no proposals.

    Raises:
        StudyNotFoundError: If there is no study.
        CorruptStudyError: If ``study.json`` is damaged.
        UnsupportedVersionError: If the study needs a newer version of fsopt.
    """
    root = Path(directory)
    filesystem = LocalFilesystem(root)
    document = _read_document(filesystem, root)
    if document is None:
        raise StudyNotFoundError(
            f"no study in {root} (there is no {layout.STUDY}); "
            f"create one with: fsopt run SCRIPT --study {root}"
        )
    config = from_document(document, filesystem.describe(layout.STUDY))
    return Study(config, filesystem, TrialFiles(root), root)


def _create(
    filesystem: Filesystem, files: TrialFiles, root: Path | None, config: StudyConfig
) -> Study:
    seed = secrets.randbelow(MAX_SEED) if config.seed is None else config.seed
    complete = replace(config, seed=seed)
    # A constraint that is never true shows here, before anything is written.
    sample(config.space, 1, stream(seed, "feasible"))
    document = to_document(
        complete,
        identifier=secrets.token_hex(8),
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        version=fsopt.__version__,
    )
    where = filesystem.describe(layout.STUDY)
    try:
        if not filesystem.publish(layout.STUDY, document):
            # Somebody else was a moment faster; theirs is the study.
            stored = from_document(filesystem.read(layout.STUDY), where)
            complete = join(stored, config, str(root))
    except OSError as error:
        raise refused("create the study", where, error) from error
    return Study(complete, filesystem, files, root)


def _read_document(filesystem: LocalFilesystem, root: Path) -> bytes | None:
    if root.exists() and not root.is_dir():
        raise StorageError(f"{root} is a file; a study is a directory. Choose another name")
    try:
        return filesystem.read(layout.STUDY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise refused("read", filesystem.describe(layout.STUDY), error) from error
