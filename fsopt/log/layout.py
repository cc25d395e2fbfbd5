"""Where everything lies in a study directory. No other module knows a path.

::

    runs/digits/
      study.json                       what is searched, written once
      log/c/node7-4242-k3f9.0.jsonl    segment 0 of one writer's log
      claims/0/17                      trial 17 was given out (the shard is the number / 1000)
      claims/0/17.1                    its attempt 1 was given out
      trials/17/                       what the objective saved; made when something is saved
        checkpoint.1/                  belongs to attempt 1, handed on by renaming
        traceback.0.txt                why attempt 0 failed
        output.0.txt                   what attempt 0 printed
        predictions.1/valid.npy        what the model of attempt 1 predicts, under a name
      snapshot/00000003-node7-4242-k3f9-8f0a12c4.parquet
                                       what the logs up to some positions amount to
      snapshot/00000004.claim          some process is making the next one
      jobs/fsopt-20261123-2241.sh      a job script that `fsopt submit` made
      jobs/fsopt-20261123-2241/        what the job's tasks print

Paths here are relative to the study directory, with ``/``.
"""

from __future__ import annotations

import re
import zlib

STUDY = "study.json"
LOG = "log"
CLAIMS = "claims"
TRIALS = "trials"
SNAPSHOTS = "snapshot"
JOBS = "jobs"

CLAIMS_PER_SHARD = 1000
LOG_SHARDS = 16

_WRITER = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SEGMENT = re.compile(rf"({_WRITER.pattern})\.(0|[1-9][0-9]{{0,8}})\.jsonl")
_PREDICTIONS = re.compile(r"[A-Za-z0-9_-]{1,100}")
_SNAPSHOT = re.compile(rf"([0-9]{{8}})-({_WRITER.pattern})-([0-9a-f]{{8}})\.parquet")
_SNAPSHOT_CLAIM = re.compile(r"([0-9]{8})\.claim")
_CLAIM = re.compile(r"(0|[1-9][0-9]{0,15})(?:\.(0|[1-9][0-9]{0,8}))?")


def is_writer_id(text: str) -> bool:
    """Whether a text from a file may be taken for a writer's id, and so become part of a path."""
    return _WRITER.fullmatch(text) is not None


def log_shard(writer: str) -> str:
    """The directory of a writer's segments; sharded, so that none holds too many files."""
    return f"{LOG}/{zlib.crc32(writer.encode()) % LOG_SHARDS:x}"


def segment(writer: str, index: int) -> str:
    """A writer's segment file."""
    return f"{log_shard(writer)}/{writer}.{index}.jsonl"


def parse_segment(name: str) -> tuple[str, int] | None:
    """The writer and the index that a file name in a log directory stands for, if it does."""
    match = _SEGMENT.fullmatch(name)
    return (match[1], int(match[2])) if match else None


def writer_of(path: str) -> str:
    """The writer of a segment; empty if the path is of none."""
    key = parse_segment(path.rpartition("/")[2])
    return key[0] if key else ""


def claim_shard(trial: int) -> str:
    """The directory of a trial's claims."""
    return f"{CLAIMS}/{trial // CLAIMS_PER_SHARD}"


def claim(trial: int, attempt: int | None = None) -> str:
    """The claim of a trial number, or of an attempt at it.

    The claim of a number includes attempt 0 for the process that starts the trial itself; attempt
    0 at a trial that was only proposed has a claim of its own.
    """
    suffix = "" if attempt is None else f".{attempt}"
    return f"{claim_shard(trial)}/{trial}{suffix}"


def parse_claim(name: str) -> tuple[int, int | None] | None:
    """The trial and the attempt that a file name in a claims directory stands for, if it does."""
    match = _CLAIM.fullmatch(name)
    if match is None:
        return None
    return int(match[1]), None if match[2] is None else int(match[2])


def snapshot(generation: int, writer: str, checksum: int) -> str:
    """A snapshot file; the checksum is the CRC-32 of its bytes."""
    return f"{SNAPSHOTS}/{generation:08d}-{writer}-{checksum:08x}.parquet"


def parse_snapshot(name: str) -> tuple[int, str, int] | None:
    """Generation, writer and checksum that a file name in the snapshot directory stands for."""
    match = _SNAPSHOT.fullmatch(name)
    return (int(match[1]), match[2], int(match[3], 16)) if match else None


def snapshot_claim(generation: int) -> str:
    """The claim of whoever makes that generation of the snapshot."""
    return f"{SNAPSHOTS}/{generation:08d}.claim"


def parse_snapshot_claim(name: str) -> int | None:
    """The generation that a file name in the snapshot directory claims, if it does."""
    match = _SNAPSHOT_CLAIM.fullmatch(name)
    return int(match[1]) if match else None


def trial_directory(trial: int) -> str:
    """The trial's own directory."""
    return f"{TRIALS}/{trial}"


def checkpoint(trial: int, attempt: int) -> str:
    """The checkpoint directory while it belongs to an attempt."""
    return f"{trial_directory(trial)}/checkpoint.{attempt}"


def taken_checkpoint(trial: int, attempt: int) -> str:
    """Where an attempt keeps an earlier one's checkpoint directory until it has copied it."""
    return f"{checkpoint(trial, attempt)}.taken"


def copied_checkpoint(trial: int, attempt: int) -> str:
    """What an attempt has copied of it so far."""
    return f"{checkpoint(trial, attempt)}.copy"


def traceback(trial: int, attempt: int) -> str:
    """Where the traceback of a failed attempt is kept."""
    return f"{trial_directory(trial)}/traceback.{attempt}.txt"


def output(trial: int, attempt: int) -> str:
    """Where it is kept what an attempt printed."""
    return f"{trial_directory(trial)}/output.{attempt}.txt"


def job_script(name: str) -> str:
    """A job script."""
    return f"{JOBS}/{name}.sh"


def job_logs(name: str) -> str:
    """The directory for what a job's tasks print."""
    return f"{JOBS}/{name}"


def is_predictions_name(name: str) -> bool:
    """Whether predictions may have this name, which becomes part of a path."""
    return _PREDICTIONS.fullmatch(name) is not None


def predictions(trial: int, attempt: int, name: str) -> str:
    """Where what an attempt's model predicts is kept."""
    return f"{trial_directory(trial)}/predictions.{attempt}/{name}.npy"
