"""Checks every byte of a study's logs and claims, and what its events promise each other.

Nothing is changed, and nothing is taken on trust: `verify` reads the files anew and compares them
with what ``docs/protocol.md`` demands. A study may be checked while processes work on it: names
are listed before the logs are read, so that events must tell of them; claims are read after the
logs, so that those which an event needs must be there.
"""

from __future__ import annotations

from fsopt.log.filesystem import Filesystem
from fsopt.log.verify.claims import check_claims, check_numbers, list_claims, read_claims
from fsopt.log.verify.names import (
    check_root,
    check_snapshots,
    check_trials,
    find_segments,
    list_trials,
)
from fsopt.log.verify.problems import Place, Problem, Severity, Verification
from fsopt.log.verify.seen import check_seen
from fsopt.log.verify.segments import WriterCheck
from fsopt.log.verify.told import Log, Told
from fsopt.log.verify.trials import Expectations, TrialCheck

__all__ = [
    "Expectations",
    "Log",
    "Place",
    "Problem",
    "Severity",
    "Told",
    "Verification",
    "verify",
]


def verify(filesystem: Filesystem, expected: Expectations, told: Told) -> Verification:
    """Check everything in a study directory but the contents of ``study.json``.

    Args:
        filesystem: Where the study lies.
        expected: What is known of the study's definition.
        told: What the newest snapshot tells.

    Returns:
        What was found; a file that can't be read is a problem too, never an exception.
    """
    problems = list(check_root(filesystem))
    claimed, directories = list_claims(filesystem), list_trials(filesystem, problems)
    found = find_segments(filesystem, problems)
    trials = TrialCheck(expected)
    writers: dict[str, WriterCheck] = {}
    for writer, indices in found.items():
        check = WriterCheck(filesystem, writer, trials.take, told.log(writer))
        check.read(indices)
        problems += check.problems()
        writers[writer] = check
    problems += check_seen(filesystem, trials.seen, writers, told)
    claims = read_claims(filesystem, problems)
    problems += trials.problems()
    problems += check_claims(filesystem, claims, trials, found.keys(), told)
    numbers = trials.numbers.union(told.trials)
    budget = max(trials.budget, told.budget)
    problems += check_numbers(claims, claimed, numbers, budget)
    problems += check_trials(directories, numbers)
    problems += check_snapshots(filesystem)
    return Verification(
        events=sum(check.events for check in writers.values()),
        writers=len(writers),
        segments=sum(map(len, found.values())),
        trials=len(numbers),
        bytes=sum(check.bytes for check in writers.values()),
        problems=tuple(sorted(problems, key=Problem.order)),
    )
