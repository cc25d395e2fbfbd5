"""Claims against events: who was given a number or an attempt, and who used it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from typing import TypeAlias

from fsopt.log import layout
from fsopt.log.filesystem import Filesystem
from fsopt.log.verify.names import is_number, sharded_names, stranger
from fsopt.log.verify.problems import Problem, Severity, refusal
from fsopt.log.verify.told import Told
from fsopt.log.verify.trials import Start, TrialCheck

Key: TypeAlias = tuple[int, int | None]
"""A trial's number, and an attempt at it; None for the number itself."""

Claims: TypeAlias = Mapping[Key, str | None]
"""The writer that holds each claim; None where the file does not say."""


def list_claims(filesystem: Filesystem) -> set[Key]:
    """The claims by their names alone."""
    listed = sharded_names(filesystem, layout.CLAIMS, is_number, [])
    keys = (layout.parse_claim(name) for _, name in listed)
    return {key for key in keys if key is not None}


def read_claims(filesystem: Filesystem, problems: list[Problem]) -> dict[Key, str | None]:
    """Read every claim; names and contents that are not as they should be become problems."""
    claims: dict[Key, str | None] = {}
    for path, name in sharded_names(filesystem, layout.CLAIMS, is_number, problems):
        key = layout.parse_claim(name)
        if key is None or layout.claim(*key) != path:
            problems.append(stranger(path))
            continue
        try:
            content = filesystem.read(path)
        except FileNotFoundError:
            continue  # given back since the directory was listed
        except OSError as error:
            problems.append(refusal(path, error))
            claims[key] = None
        else:
            claims[key] = _owner(path, content, problems)
    return claims


def check_claims(
    filesystem: Filesystem,
    claims: dict[Key, str | None],
    trials: TrialCheck,
    writers: Collection[str],
    told: Told,
) -> Iterator[Problem]:
    """Compare claims with what was done under them.

    Args:
        filesystem: Where the study lies.
        claims: What `read_claims` gave; claims that a stale listing hid are added.
        trials: Every event.
        writers: Who has a log.
        told: What a snapshot tells of logs and claims that may have been removed since.
    """
    for what, keys, start in _uses(trials):
        if not any(key in claims for key in keys):
            if keys[0][0] < told.watermark:
                continue
            claims.update(_look_again(filesystem, keys))
        problem = _refuse(claims, keys, start.writer)
        if problem is not None:
            what = f"{what} by {start.writer}, but {problem}"
            yield Problem.at(start.place, Severity.ERROR, what)
    for key, owner in claims.items():
        known = owner is None or owner in writers or owner in told.logs
        if not (known or _speaks(filesystem, owner or "")):
            what = f"was claimed by {owner}, which has no log; a writer begins its log first"
            yield Problem(layout.claim(*key), 0, Severity.WARNING, what)
    yield from _unstarted(claims, trials, told)


def check_numbers(
    claims: Claims, claimed: Collection[Key], numbers: Collection[int], budget: int
) -> Iterator[Problem]:
    """Numbers that were given out and not used, and numbers that were left out.

    Args:
        claims: Every claim.
        claimed: The claims that were there before the logs were read.
        numbers: Every trial that an event tells of.
        budget: Numbers below it are given out by and by, not all of them in order.
    """
    end = max(numbers, default=-1)
    for (number, attempt), owner in claims.items():
        if attempt is None and number not in numbers and (number, attempt) in claimed:
            severity = Severity.WARNING if number < end else Severity.NOTE
            what = f"no event tells of trial {number}, which was given to {owner or 'somebody'}"
            advice = "if that process is lost, another takes the number over"
            yield Problem(layout.claim(number), 0, severity, f"{what}; {advice}")
    given = {number for number, attempt in claims if attempt is None}
    for before, after in pairwise([-1, *sorted(given.union(numbers))]):
        if after > before + 1:
            yield _left_out(before + 1, after - 1, budget)


def _left_out(low: int, high: int, budget: int) -> Problem:
    which = f"trial {low} was" if low == high else f"trials {low} to {high} were"
    if high < budget:
        what = f"{which} not given out yet, although trial {high + 1} was"
        return Problem(layout.claim(low), 0, Severity.NOTE, what)
    what = f"{which} never given out, although trial {high + 1} was; numbers have no gaps"
    return Problem(layout.claim(low), 0, Severity.ERROR, what)


def _owner(path: str, content: bytes, problems: list[Problem]) -> str | None:
    text = content.decode(errors="replace")
    if text.endswith("\n") and layout.is_writer_id(text[:-1]):
        return text[:-1]
    if not content:
        what = "is empty: its process ended, or its disk was full, before it wrote its name"
        problems.append(Problem(path, 0, Severity.NOTE, what))
    else:
        what = f"names no writer in one whole line: {text[:40]!r}"
        problems.append(Problem(path, 0, Severity.WARNING, what))
    return None


def _uses(trials: TrialCheck) -> Iterator[tuple[str, list[Key], Start]]:
    """What was done that needs a claim: in words, the claims that allow it, and by whom."""
    for number, start in trials.proposals.items():
        yield f"trial {number} was proposed", [(number, None)], start
    for (number, attempt), start in trials.starts.items():
        what = f"attempt {attempt} at trial {number} was started"
        yield what, _due(number, attempt, start), start
    for number, again, start in trials.repeated:
        keys: list[Key] = [(number, None)] if again is None else _due(number, again, start)
        yield f"trial {number} was taken once more", keys, start


def _due(number: int, attempt: int, start: Start) -> list[Key]:
    own: Key = (number, attempt)
    # Whoever owns a number owns attempt 0 as well, if the start makes the proposal.
    return [(number, None), own] if attempt == 0 and start.proposes else [own]


def _look_again(filesystem: Filesystem, keys: list[Key]) -> dict[Key, str | None]:
    """Ask for claims by name that were not listed: a network filesystem may list old contents."""
    found: dict[Key, str | None] = {}
    for key in keys:
        path = layout.claim(*key)
        try:
            found[key] = _owner(path, filesystem.read(path), [])
        except OSError:
            continue
    return found


def _refuse(claims: Claims, keys: list[Key], writer: str) -> str | None:
    """Why none of the claims allows a writer to do what it did; None if one does."""
    present = [key for key in keys if key in claims]
    if not present:
        return f"there is no claim {layout.claim(*keys[0])}"
    if any(claims[key] in (writer, None) for key in present):
        return None
    return f"{layout.claim(*present[0])} is held by {claims[present[0]]}"


def _unstarted(claims: Claims, trials: TrialCheck, told: Told) -> Iterator[Problem]:
    """Outcomes of attempts of which no start is told, but for trials that were given up."""
    for (number, attempt), outcome in trials.unstarted.items():
        if (number, attempt) in told.attempts or number < told.watermark:
            continue
        cancelled = attempt == 0 and number in trials.proposals
        is_claimed = claims.get((number, attempt), "") in (outcome.writer, None)
        if not (outcome.failed and cancelled) and not (outcome.gave_up and is_claimed):
            what = f"an outcome of attempt {attempt}, of which no event tells the start"
            yield Problem.at(outcome.place, Severity.WARNING, f"trial {number}: {what}")


def _speaks(filesystem: Filesystem, writer: str) -> bool:
    """Whether a writer has begun its log since the logs were read."""
    try:
        return bool(filesystem.read(layout.segment(writer, 0)))
    except OSError:
        return False
