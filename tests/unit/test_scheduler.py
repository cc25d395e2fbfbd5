"""What a process learns of its job from environment variables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fsopt.scheduler import _KINDS, _LAUNCH, _LAUNCHERS, Scheduler

NUMBERED = ["SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE", "SLURM_RESTART_COUNT", "NCPUS"]
NUMBERED += ["LSB_DJOB_NUMPROC", "LSB_JOBINDEX", "SLURM_ARRAY_TASK_ID", "PBS_ARRAY_INDEX"]
NAMES = [*_KINDS, *_LAUNCH, *NUMBERED, *(name for pair in _LAUNCHERS for name in pair)]


@pytest.mark.parametrize(
    ("environment", "kind", "name"),
    [
        ({}, None, None),
        ({"SLURM_JOB_ID": "5", "SLURM_PROCID": "0"}, "slurm", "5-r0"),
        (
            {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "5", "SLURM_ARRAY_TASK_ID": "2"},
            "slurm",
            "5_2-r0",
        ),
        (
            {
                "SLURM_JOB_ID": "5",
                "SLURM_RESTART_COUNT": "3",
                "SLURM_PROCID": "1",
                "SLURM_STEP_NUM_TASKS": "4",
            },
            "slurm",
            "5-r3-p1",
        ),
        ({"PBS_JOBID": "17.server"}, "pbs", "17-r0"),
        ({"PBS_JOBID": "17[4].server", "PBS_ARRAY_INDEX": "4"}, "pbs", "17_4-r0"),
        ({"PBS_JOBID": "17-4.server", "PBS_ARRAYID": "4"}, "pbs", "17-4_4-r0"),
        ({"LSB_JOBID": "8", "LSB_JOBINDEX": "0"}, "lsf", "8-r0"),
        ({"LSB_JOBID": "8", "LSB_JOBINDEX": "3", "LSB_RESTART": "Y"}, "lsf", "8_3-r1"),
        ({"PMI_RANK": "3", "PMI_SIZE": "4"}, None, None),
    ],
)
def test_the_scheduler_names_the_job(
    environment: dict[str, str], kind: str | None, name: str | None
) -> None:
    found = Scheduler.from_environment(environment)
    assert (found.kind, found.name) == (kind, name)


@pytest.mark.parametrize(
    ("environment", "rank", "size"),
    [
        ({}, 0, 1),
        ({"SLURM_JOB_ID": "1", "SLURM_NTASKS": "8", "SLURM_PROCID": "0"}, 0, 1),
        ({"SLURM_STEP_NUM_TASKS": "8", "SLURM_PROCID": "5"}, 5, 8),
        ({"PMI_RANK": "2", "PMI_SIZE": "3"}, 2, 3),
        ({"MV2_COMM_WORLD_RANK": "1", "MV2_COMM_WORLD_SIZE": "2"}, 1, 2),
        (
            {
                "OMPI_COMM_WORLD_RANK": "9",
                "OMPI_COMM_WORLD_SIZE": "16",
                "SLURM_PROCID": "1",
                "SLURM_STEP_NUM_TASKS": "2",
            },
            9,
            16,
        ),
        ({"PMI_SIZE": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "1"}, 1, 2),
        ({"PMI_SIZE": "many"}, 0, 1),
    ],
)
def test_the_launcher_says_which_of_how_many_this_is(
    environment: dict[str, str], rank: int, size: int
) -> None:
    found = Scheduler.from_environment(environment)
    assert (found.rank, found.size) == (rank, size)


@pytest.mark.parametrize(
    ("environment", "cpus"),
    [
        ({}, None),
        ({"SLURM_CPUS_PER_TASK": "4"}, None),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_PER_TASK": "4", "SLURM_CPUS_ON_NODE": "8"}, 4),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8"}, 8),
        ({"SLURM_JOB_ID": "1", "SLURM_CPUS_ON_NODE": "8", "SLURM_STEP_NUM_TASKS": "8"}, 1),
        ({"SLURM_JOB_ID": "1"}, None),
        ({"PBS_JOBID": "1.s", "NCPUS": "6"}, 6),
        ({"PBS_JOBID": "1.s", "PBS_NUM_PPN": "3"}, 3),
        ({"LSB_JOBID": "1", "LSB_DJOB_NUMPROC": "5"}, 5),
        ({"LSB_JOBID": "1", "LSB_DJOB_NUMPROC": "5", "PMI_SIZE": "5"}, 1),
        ({"LSB_JOBID": "1"}, None),
    ],
)
def test_the_scheduler_says_how_many_cpus_there_are(
    environment: dict[str, str], cpus: int | None
) -> None:
    assert Scheduler.from_environment(environment).cpus == cpus


@given(st.dictionaries(st.sampled_from(NAMES), st.text(max_size=5)))
def test_any_values_whatsoever_can_be_read(environment: dict[str, str]) -> None:
    found = Scheduler.from_environment(environment)
    assert found.rank >= 0
    assert found.size >= 1
    assert found.cpus is None or found.cpus > 0
