"""What schedulers and launchers tell a process in environment variables.

Nothing else in the package reads these variables; a scheduler that is not known yet is added here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

_LAUNCHERS = (
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("PMI_RANK", "PMI_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS"),
)
"""Where launchers say which of how many processes this is: Open MPI, MPICH and its relatives,
MVAPICH, srun. MPI's come first: under Slurm, mpirun starts its own helpers as a step of one task
for each node. ``SLURM_NTASKS`` is not among them, because it is also set in a batch script that
runs as one process."""

_LAUNCH = ("SLURM_JOB_ID", "SLURM_STEP_ID", "SLURM_RESTART_COUNT", "PMIX_NAMESPACE")
"""What is the same in all processes of one launch, and in no others."""


_OF_LAUNCHERS = (
    "OMPI_",
    "PMI_",
    "PMI2_",
    "PMIX_",
    "PRTE_",
    "HYDRA_",
    "MPI_LOCAL",
    "PALS_",
    "MV2_COMM_",
)
"""How the variables begin by which launchers tell MPI that this process is one of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheduler:
    """Which job, and which of its processes, this one is; everything is empty on a laptop."""

    kind: str | None = None
    """``slurm``, ``pbs`` or ``lsf``."""
    job: str | None = None
    """The job's id; of a task of a job array, the array's."""
    task: str | None = None
    """The index in the job array."""
    restarts: int = 0
    """How often the job was put into the queue again, as far as the scheduler tells."""
    rank: int = 0
    """Which of the processes that a launcher such as mpirun or srun started together, from 0."""
    size: int = 1
    """How many these are. More than 1 where MPI says that there is one process: the launcher
    belongs to another MPI than the library."""
    cpus: int | None = None
    """For how many CPUs this process has been given the use; None if nobody says."""
    launch: str | None = None
    """What the processes that were started together have in common, and no others."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Scheduler:
        """Read everything from environment variables; what makes no sense counts as absent."""
        rank, size = _place(environment)
        readers = [read for sign, read in _KINDS.items() if environment.get(sign)]
        job = readers[0](environment, size) if readers else cls()
        pieces = [environment[name] for name in _LAUNCH if environment.get(name)]
        return replace(job, rank=rank, size=size, launch="-".join(pieces) or None)

    @property
    def name(self) -> str | None:
        """Job, task, restart and rank in one word, such as ``4821_17-r0``; None without a job."""
        if self.job is None:
            return None
        task = f"_{self.task}" if self.task else ""
        rank = f"-p{self.rank}" if self.rank or self.size > 1 else ""
        return f"{self.job}{task}-r{self.restarts}{rank}"


def launcher_variables(environment: Mapping[str, str]) -> list[str]:
    """The variables that make a program which uses MPI take itself for a rank of this launch."""
    return [name for name in environment if name.startswith(_OF_LAUNCHERS)]


def _slurm(environment: Mapping[str, str], size: int) -> Scheduler:
    cpus = _number(environment, "SLURM_CPUS_PER_TASK")
    if cpus is None:
        # One process has what its job has on its node; several have one each unless -c says more.
        cpus = _number(environment, "SLURM_CPUS_ON_NODE") if size == 1 else 1
    return Scheduler(
        kind="slurm",
        job=environment.get("SLURM_ARRAY_JOB_ID") or environment["SLURM_JOB_ID"],
        task=environment.get("SLURM_ARRAY_TASK_ID"),
        restarts=_number(environment, "SLURM_RESTART_COUNT") or 0,
        cpus=cpus or None,
    )


def _pbs(environment: Mapping[str, str], _size: int) -> Scheduler:
    # Job ids look like 17.server and, in an array, 17[4].server.
    job = re.split(r"[\[.]", environment["PBS_JOBID"])[0]
    return Scheduler(
        kind="pbs",
        job=job or None,
        task=environment.get("PBS_ARRAY_INDEX") or environment.get("PBS_ARRAYID"),
        cpus=_number(environment, "NCPUS") or _number(environment, "PBS_NUM_PPN") or None,
    )


def _lsf(environment: Mapping[str, str], size: int) -> Scheduler:
    index = environment.get("LSB_JOBINDEX")
    slots = _number(environment, "LSB_DJOB_NUMPROC")
    return Scheduler(
        kind="lsf",
        job=environment["LSB_JOBID"],
        task=None if index == "0" else index,
        restarts=int(environment.get("LSB_RESTART") == "Y"),
        cpus=(slots if size == 1 else 1) or None,
    )


_KINDS: Mapping[str, Callable[[Mapping[str, str], int], Scheduler]] = {
    "SLURM_JOB_ID": _slurm,
    "PBS_JOBID": _pbs,
    "LSB_JOBID": _lsf,
}
"""The reader of each scheduler, by a variable that it always sets."""


def _place(environment: Mapping[str, str]) -> tuple[int, int]:
    """Rank and size."""
    for rank_name, size_name in _LAUNCHERS:
        size = _number(environment, size_name)
        if size is not None and size > 1:
            return _number(environment, rank_name) or 0, size
    return 0, 1


def _number(environment: Mapping[str, str], name: str) -> int | None:
    text = environment.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() else None
