"""Checks of what several processes see of each other, best on several nodes.

Each check is run by all the processes of a `Meeting` at once, and each process comes to the same
finding, because all hear what every one of them saw.
"""

from __future__ import annotations

import fcntl
import json
import platform
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from fsopt.doctor.findings import Finding, Measurement, duration, error_name, in_milliseconds
from fsopt.doctor.meeting import Meeting
from fsopt.doctor.mounts import refusal
from fsopt.doctor.place import wait_for
from fsopt.doctor.surroundings import judge_new_names
from fsopt.log.mounts import filesystem_of

_CONTESTS = 50
_CONTEST_PAUSE = 0.01
_LINES = 100
_SYNC_EVERY = 10
_LAG_ROUNDS = 10
_LAG_READERS = 7
_LAG_SECONDS = 15.0
"""No further round is begun after this time: on some filesystems a round takes half a minute."""
_LAG_WARNING = 10.0
_NAME_PAUSE = 0.02


def processes(met: Meeting) -> Finding:
    """Who takes part, and whether one of them is on a filesystem that is known not to do."""
    kind = filesystem_of(met.place.directory).kind
    told = met.exchange("roster", [platform.node() or "unknown", kind])
    hosts = sorted({host for host, _ in told})
    kinds = sorted({kind for _, kind in told})
    measured: dict[str, Measurement] = {
        "processes": met.size,
        "nodes": len(hosts),
        "hosts": ", ".join(hosts),
        "filesystems": ", ".join(kinds),
    }
    what = f"{met.size} processes on {len(hosts)} nodes met: {', '.join(hosts)}."
    if len(hosts) == 1:
        what = f"{met.size} processes met, all on {hosts[0]}: this says nothing about other nodes."
    unfit = sorted({host for host, kind in told if refusal(kind) is not None})
    if not unfit:
        return Finding("processes", "ok", what, measured)
    # Number 0, which reports, gives the reason of its own filesystem anyway.
    reasons = [refusal(kind) for kind in kinds if kind != told[0][1]]
    what = f"{', '.join(unfit)} can't take part in a study here, so nothing was tried together."
    return Finding("processes", "failed", " ".join([what, *filter(None, reasons)]), measured)


def shared_create(met: Meeting) -> Finding:
    """Of all processes that claim the same names at the same time, each name has one winner."""
    files = met.place.filesystem
    claims = [f"contest-{number}" for number in range(_CONTESTS)]
    met.exchange("contest")
    won, refusals = [], set()
    for number, claim in enumerate(claims):
        _await_start(met, number)
        try:
            if files.claim(claim, f"{met.rank}\n".encode()):
                won.append(number)
        except OSError as error:
            refusals.add(error_name(error))
    told = met.exchange("won", [won, sorted(refusals)])
    all_won = [won for won, _ in told]
    refused = sorted({name for _, names in told for name in names})
    finding = _judge_contest(all_won, refused, [])
    if finding.verdict == "failed":
        return finding
    owners = [met.read_whole(claim).decode().strip() for claim in claims]
    seen = met.exchange("owners", owners)
    return _judge_contest(all_won, refused, seen)


def _await_start(met: Meeting, number: int) -> None:
    """All wait for number 0 to start a round, so that they claim in the same instant."""
    start = f"start-{number}"
    if met.rank == 0:
        time.sleep(_CONTEST_PAUSE)
        met.place.filesystem.claim(start, b"")
        # Others need a moment to see it; sometimes more than number 0 gives them.
        time.sleep(random.uniform(0.0, 0.003))
    else:
        met.await_names(start, pause=0.0)


def _judge_contest(won: list[list[int]], refused: list[str], seen: list[list[str]]) -> Finding:
    wins = Counter(number for mine in won for number in mine)
    wrong = sum(wins[number] != 1 for number in range(_CONTESTS))
    owner = {number: str(rank) for rank, mine in enumerate(won) for number in mine}
    expected = [owner.get(number) for number in range(_CONTESTS)]
    disagree = sum(owners != expected for owners in seen)
    measured = {
        "names": _CONTESTS,
        "without_one_winner": wrong,
        "winners": sum(bool(mine) for mine in won),
        "processes_that_disagree": disagree,
    }
    if wrong:
        what = f"of {_CONTESTS} names that all processes claimed, {wrong} had not one winner: two "
        what += "processes would get the same trial."
        return Finding("shared create", "failed", what, measured)
    if refused:
        what = f"the loser of a race for a name got {', '.join(refused)} instead of EEXIST."
        return Finding("shared create", "failed", what, measured | {"error": ", ".join(refused)})
    if disagree:
        what = f"{disagree} processes read another winner of a name than the one who won it."
        return Finding("shared create", "failed", what, measured)
    what = f"all processes claimed {_CONTESTS} names; each had one winner, and all agree on it."
    return Finding("shared create", "ok", what, measured)


def append_lag(met: Meeting) -> Finding:
    """How long after a line is synced a process that opens the file anew sees it.

    A reader's clock measures two round trips to number 0: one answered by a new file, one
    answered by an appended line. Half of the first is the way there, which is taken off the
    second; clocks of two nodes are never compared.
    """
    readers = range(1, min(met.size, _LAG_READERS + 1))
    lags: list[float] = []
    files = met.place.filesystem
    log = files.create("lag") if met.rank == 0 else None
    met.exchange("lag-begin")
    begin, last = time.perf_counter(), False
    try:
        for number in range(_LAG_ROUNDS):
            if log is not None:
                met.await_names(*(f"ask-{number}.{rank}" for rank in readers))
                last = number == _LAG_ROUNDS - 1 or time.perf_counter() - begin > _LAG_SECONDS
                met.post(f"answer-{number}", last)
                met.await_names(*(f"again-{number}.{rank}" for rank in readers))
                log.write(b"%d\n" % number)
                log.sync()
            elif met.rank in readers:
                last, lag = _lag(met, number)
                lags.append(lag)
            if last:
                break
    finally:
        if log is not None:
            log.close()
    told = met.exchange("lag-end", lags)
    return _judge_lag([lag for mine in told for lag in mine])


def _lag(met: Meeting, number: int) -> tuple[bool, float]:
    """Whether this round is the last, and the seconds from the sync of a line to its sight."""
    line = b"%d\n" % number
    begin = time.perf_counter()
    met.post(f"ask-{number}.{met.rank}")
    met.await_names(f"answer-{number}")
    by_file = time.perf_counter() - begin
    begin = time.perf_counter()
    met.post(f"again-{number}.{met.rank}")
    waited = wait_for(lambda: met.read("lag").endswith(line), met.place.patience)
    by_line = time.perf_counter() - begin
    lag = float("inf") if waited is None else max(by_line - by_file / 2, 0.0)
    return bool(json.loads(met.read_whole(f"answer-{number}"))), lag


def _judge_lag(lags: list[float]) -> Finding:
    lost = sum(lag == float("inf") for lag in lags)
    if lost:
        what = f"{lost} of {len(lags)} times another process did not see a synced line in time."
        return Finding("append lag", "failed", what, {"not_seen": lost, "count": len(lags)})
    measured = in_milliseconds(lags)
    median, worst = statistics.median(lags), max(lags)
    what = f"a synced line is seen by other processes after {duration(median)}, "
    what += f"{duration(worst)} at worst"
    if worst > _LAG_WARNING:
        what += ": proposals are made from older results; keep the lease well above this."
        return Finding("append lag", "warning", what, measured)
    return Finding("append lag", "ok", f"{what}.", measured)


def shared_logs(met: Meeting) -> Finding:
    """Every process appends to its own log and reads all others' completely."""
    files = met.place.filesystem
    log = files.create(f"log-{met.rank}")
    try:
        for number, line in enumerate(_log_lines(met.rank), 1):
            log.write(line)
            if number % _SYNC_EVERY == 0:
                log.sync()
    finally:
        log.close()
    met.exchange("written")
    # The clock starts when all is synced, so that nothing may be missing for long.
    incomplete = [rank for rank in range(met.size) if not _reads(met, rank)]
    told = met.exchange("read", incomplete)
    pairs = sum(map(len, told))
    measured = {"logs": met.size, "lines": met.size * _LINES, "not_read_completely": pairs}
    if pairs:
        writers = sorted({rank for mine in told for rank in mine})
        what = f"lines were missing or torn when others read the logs of processes {writers}, "
        what += f"{met.place.patience:g} s after they were synced."
        return Finding("shared logs", "failed", what, measured)
    what = f"all processes read all {met.size * _LINES} lines of all logs."
    return Finding("shared logs", "ok", what, measured)


def _log_lines(rank: int) -> list[bytes]:
    return [b"%d %d\n" % (rank, number) for number in range(_LINES)]


def _reads(met: Meeting, rank: int) -> bool:
    whole = b"".join(_log_lines(rank))
    name = f"log-{rank}"
    return wait_for(lambda: met.read(name) == whole, met.place.patience) is not None


def shared_names(met: Meeting) -> Finding:
    """How soon a new file is listed, and found by those who asked for its name before."""
    by_name, by_list = met.place.work / "asked-for", met.place.work / "listed-for"
    by_name.exists()
    # To list the directory would also refresh what is known of its names, so the first is only
    # asked for by its name, by all but the process that makes it.
    named = _seen_after(met, by_name, by_name.exists)
    listed = _seen_after(met, by_list, lambda: by_list.name in met.names())
    finding = judge_new_names(named, listed, met.place.patience)
    return Finding("shared names", finding.verdict, finding.what, finding.measured)


def _seen_after(met: Meeting, path: Path, seen: Callable[[], bool]) -> float | None:
    """How long it takes at worst until all have seen a file that number 0 makes."""
    met.exchange(f"before-{path.name}")
    waited: float | None = 0.0
    if met.rank == 0:
        time.sleep(_NAME_PAUSE)
        met.post(path.name)
    else:
        waited = wait_for(seen, met.place.patience + _NAME_PAUSE)
    told: list[float | None] = met.exchange(f"after-{path.name}", waited)
    times = [seconds for seconds in told if seconds is not None]
    return max(0.0, max(times) - _NAME_PAUSE) if len(times) == met.size else None


def shared_lock(met: Meeting) -> Finding:
    """Whether a lock that one process holds keeps the others out; nothing depends on it."""
    path = met.place.work / "lock"
    if met.rank == 0:
        path.touch()
    met.exchange("lock-made")
    with path.open("rb+") as file:
        outcome = _lock(file.fileno()) if met.rank == 0 else ""
        met.exchange("lock-held")
        outcome = outcome or _lock(file.fileno())
        told = met.exchange("lock-tried", outcome)
    first, others = told[0], told[1:]
    if first != "granted":
        what = f"files can't be locked ({first})"
    elif "granted" in others:
        what = "a lock keeps out only processes of the same node, or none"
    else:
        what = "a lock that one process holds keeps the others out"
    measured = {"first": first, "others": ", ".join(sorted(set(others)))}
    return Finding("shared lock", "ok", f"{what}; fsopt does not depend on it.", measured)


def _lock(descriptor: int) -> str:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "kept out"
    except OSError as error:
        return error_name(error)
    return "granted"


def node_clocks(met: Meeting) -> Finding:
    """How far the nodes' clocks are apart; nothing depends on it.

    All look at their clocks when they see that all are there, so it is known no better than how
    soon that is seen.
    """
    met.exchange("clocks")
    told = met.exchange("time", time.time())
    spread = max(told) - min(told)
    measured = {"spread_seconds": round(spread, 3)}
    what = (
        f"the clocks of all processes agree to within {spread:.2g} s; fsopt never compares them."
    )
    return Finding("node clocks", "ok", what, measured)


SHARED = (
    processes,
    shared_create,
    append_lag,
    shared_logs,
    shared_names,
    shared_lock,
    node_clocks,
)
"""In the order in which all processes run them; nothing comes after a `processes` that failed."""
