"""Every name in a study directory: what the protocol knows, and what does not belong there."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterable, Iterator

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.verify.problems import Problem, Severity, refusal

_PARTS = (
    *(layout.STUDY, layout.LOG, layout.CLAIMS, layout.TRIALS, layout.SNAPSHOTS),
    layout.JOBS,
)
_SHARDS = frozenset(f"{shard:x}" for shard in range(layout.LOG_SHARDS))


def names_in(filesystem: Filesystem, path: str, problems: list[Problem]) -> list[str]:
    """The names in a directory, sorted; none if it can't be listed, which becomes a problem."""
    try:
        return sorted(filesystem.list(path))
    except NotADirectoryError:
        problems.append(stranger(path))
    except OSError as error:
        problems.append(refusal(path, error))
    return []


def stranger(path: str) -> Problem:
    """The note about a name that fsopt did not give."""
    if path.rpartition("/")[2].startswith("."):
        what = (
            "a hidden file, as a process leaves behind that was killed while it created another "
            "file; nobody reads it, and it may be removed when no process is at work"
        )
    else:
        what = "is no file of the protocol; nobody reads it"
    return Problem(path, 0, Severity.NOTE, what)


def is_number(name: str) -> bool:
    """Whether a name is a number as it stands in paths, without leading zeros."""
    key = layout.parse_claim(name)
    return key is not None and key[1] is None


def check_root(filesystem: Filesystem) -> Iterator[Problem]:
    """The names in the study directory itself."""
    problems: list[Problem] = []
    for name in names_in(filesystem, "", problems):
        if name not in _PARTS:
            yield stranger(name)
    yield from problems


def sharded_names(
    filesystem: Filesystem, path: str, is_shard: Callable[[str], bool], problems: list[Problem]
) -> Iterator[tuple[str, str]]:
    """Path and name of every file in a directory of shards; other shards become problems."""
    for shard in names_in(filesystem, path, problems):
        if not is_shard(shard):
            problems.append(stranger(f"{path}/{shard}"))
            continue
        for name in names_in(filesystem, f"{path}/{shard}", problems):
            yield f"{path}/{shard}/{name}", name


def find_segments(filesystem: Filesystem, problems: list[Problem]) -> dict[str, list[int]]:
    """The indices of each writer's segments, ascending; other names become problems."""
    found: dict[str, list[int]] = {}
    for path, name in sharded_names(filesystem, layout.LOG, _SHARDS.__contains__, problems):
        key = layout.parse_segment(name)
        if key is None:
            problems.append(stranger(path))
        elif layout.segment(*key) != path:
            what = f"lies in the wrong directory, so nobody reads it; it is {layout.segment(*key)}"
            problems.append(Problem(path, 0, Severity.WARNING, what))
        else:
            found.setdefault(key[0], []).append(key[1])
    return {writer: sorted(indices) for writer, indices in sorted(found.items())}


def list_trials(filesystem: Filesystem, problems: list[Problem]) -> list[str]:
    """The names of the trials' directories."""
    return names_in(filesystem, layout.TRIALS, problems)


def check_trials(names: Iterable[str], known: Collection[int]) -> Iterator[Problem]:
    """Compare the trials' directories, whose contents are the objectives' own, with the trials."""
    for name in names:
        path = f"{layout.TRIALS}/{name}"
        if not is_number(name):
            yield stranger(path)
        elif int(name) not in known:
            yield Problem(path, 0, Severity.NOTE, f"no event tells of a trial {name}")


def check_snapshots(filesystem: Filesystem) -> Iterator[Problem]:
    """The snapshots, each of which has the checksum of its bytes in its name."""
    problems: list[Problem] = []
    for name in names_in(filesystem, layout.SNAPSHOTS, problems):
        path = f"{layout.SNAPSHOTS}/{name}"
        key = layout.parse_snapshot(name)
        if key is None:
            if layout.parse_snapshot_claim(name) is None:
                yield stranger(path)
            continue
        try:
            content = filesystem.read(path)
        except FileNotFoundError:
            continue  # replaced by a newer one since the directory was listed
        except OSError as error:
            yield refusal(path, error)
        else:
            if zlib.crc32(content) != key[2]:
                what = "the checksum in its name does not match; readers pass over it"
                yield Problem(path, 0, Severity.WARNING, what)
    yield from problems
