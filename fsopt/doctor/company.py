"""Who examines together: how many processes a launcher started, and what joins them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")
"""Where launchers say how many processes they started. MPI's come first: under Slurm, mpirun
starts its own helpers as a step of one task for each node. ``SLURM_NTASKS`` is not among them,
because it is also set in a batch script that runs as one process."""

_SESSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Several processes that examine one directory together."""

    processes: int
    wait: float
    """Seconds to wait for the others, at the beginning and at every step."""
    session: str
    """The name by which they recognise each other; see `is_session_name`."""


def processes_started(environment: Mapping[str, str]) -> int:
    """How many processes the launcher that set these environment variables started; at least 1."""
    for variable in _SIZES:
        size = environment.get(variable, "")
        if size.isdecimal() and int(size) > 1:
            return int(size)
    return 1


def session_name(environment: Mapping[str, str]) -> str:
    """A name that the processes of one launch have in common, and no other launch has.

    Where no launcher gives them one, as in two terminals, it is ``together``.
    """
    variables = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT", "PMIX_NAMESPACE")
    pieces = [environment[name] for name in variables if environment.get(name)]
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", "-".join(pieces))[:90]
    return f"job-{name}" if name else "together"


def is_session_name(text: str) -> bool:
    """Whether a text can name a session, and so become part of a path."""
    return _SESSION.fullmatch(text) is not None
