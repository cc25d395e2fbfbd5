"""Checking a whole study: its definition, and everything in its directory against it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fsopt.config import StudyConfig, from_document
from fsopt.errors import (
    CorruptStudyError,
    SpaceError,
    StorageError,
    StudyNotFoundError,
    UnsupportedVersionError,
)
from fsopt.log import layout
from fsopt.log.filesystem import Filesystem, LocalFilesystem
from fsopt.log.verify import Expectations, Problem, Severity, Told, Verification, verify
from fsopt.space import Space
from fsopt.study.snapshot_check import SnapshotCheck

_NOTHING = Verification(events=0, writers=0, segments=0, trials=0, bytes=0, problems=())


def verify_study(directory: str | os.PathLike[str]) -> Verification:
    """Check every byte of the study in a directory; nothing is changed.

    Raises:
        StudyNotFoundError: If there is no study, nor what is left of one.
    """
    root = Path(directory)
    if not any((root / part).exists() for part in (layout.STUDY, layout.LOG)):
        raise StudyNotFoundError(f"no study in {root} (there is no {layout.STUDY} and no logs)")
    return verify_filesystem(LocalFilesystem(root))


def verify_filesystem(filesystem: Filesystem) -> Verification:
    """Check every byte of the study on a filesystem; see `verify_study`."""
    problems: list[Problem] = []
    config: StudyConfig | None = None
    try:
        content = filesystem.read(layout.STUDY)
        config = from_document(content, "this file")
    except FileNotFoundError:
        problems.append(_error("is missing; restore the file from a copy"))
    except OSError as error:
        problems.append(_error(f"can't be read: {error.strerror or error}"))
    except CorruptStudyError as error:
        problems.append(_error(str(error)))
    except UnsupportedVersionError as error:
        # Rules of a protocol that this version does not know can't be checked.
        return replace(_NOTHING, problems=(_error(f"{error}. Nothing else was checked"),))
    told = Told()
    if config is not None:
        check = SnapshotCheck(filesystem, config)
        try:
            told = check.read()
            problems += check.problems()
        except StorageError as error:
            problems.append(Problem(layout.SNAPSHOTS, 0, Severity.ERROR, str(error)))
    found = verify(filesystem, _expectations(config), told)
    ordered = sorted([*problems, *found.problems], key=Problem.order)
    return replace(found, problems=tuple(ordered))


def _error(what: str) -> Problem:
    return Problem(layout.STUDY, 0, Severity.ERROR, what)


def _expectations(config: StudyConfig | None) -> Expectations:
    if config is None:
        return Expectations()
    space = config.space
    return Expectations(
        objectives=len(config.outcomes), misfit=lambda params: _misfit(space, params)
    )


def _misfit(space: Space, params: Mapping[str, object]) -> str | None:
    """Why a configuration does not fit; functions that are not stored can't be asked."""
    try:
        if space.missing_callables:
            space.to_row(params)
        else:
            space.check(params)
    except SpaceError as error:
        return str(error)
    return None
