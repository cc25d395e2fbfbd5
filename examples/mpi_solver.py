"""Tune a program that is parallel itself: every evaluation is an MPI job of one or two ranks.

    fsopt run examples/mpi_solver.py --study runs/solver --trials 12

The program is this file, too: it solves Poisson's equation by over-relaxation of a grid whose rows
are divided among the ranks (Young, 1954), and is timed. mpi4py and an MPI are needed: pip install
'fsopt[mpi-bundled]' brings both. In a Slurm job write srun in place of mpiexec. For evaluations
that are not parallel, but run on the ranks of one large job, see jobscripts/slurm-mpi.sh.
"""

import json
import os
import shlex
import sys
from pathlib import Path

import numpy as np

import fsopt
from fsopt import Float, Int, Space

SIZE = 64
MOST_SWEEPS = 3000

space = Space(
    Int("ranks", 1, 2),
    Float("relaxation", 1.7, 1.98),
    Int("sweeps_per_check", 1, 50, log=True),
)
config = fsopt.StudyConfig(space=space, objectives={"seconds": "minimize"}, noisy=True)
program = shlex.join([sys.executable, __file__])
command = f"mpiexec -n {{ranks}} {program} {{relaxation}} {{sweeps_per_check}}"


def exchange(world, u: np.ndarray) -> None:
    """Bring the first and the last row up to date, which belong to the neighbours."""
    from mpi4py import MPI

    above = world.rank - 1 if world.rank else MPI.PROC_NULL
    below = world.rank + 1 if world.rank < world.size - 1 else MPI.PROC_NULL
    world.Sendrecv(u[1], above, recvbuf=u[-1], source=below)
    world.Sendrecv(u[-2], below, recvbuf=u[0], source=above)


def solve(world, relaxation: float, sweeps_per_check: int) -> None:
    """Relax the black and the white points in turn until the equation holds everywhere."""
    rows = np.array_split(np.arange(SIZE), world.size)[world.rank]
    u = np.zeros((len(rows) + 2, SIZE + 2))
    colour = (rows[:, None] + np.arange(SIZE)) % 2
    for sweep in range(1, MOST_SWEEPS + 1):
        largest = 0.0
        for turn in (0, 1):
            exchange(world, u)
            around = u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]
            change = np.where(colour == turn, (around + 1.0) / 4 - u[1:-1, 1:-1], 0.0)
            u[1:-1, 1:-1] += relaxation * change
            largest = max(largest, float(np.abs(change).max()))
        if sweep % sweeps_per_check == 0 and max(world.allgather(largest)) < 1e-6:
            return
    sys.exit(f"no solution after {MOST_SWEEPS} sweeps")  # a trial that fails


if __name__ == "__main__":
    from mpi4py import MPI

    world = MPI.COMM_WORLD
    start = MPI.Wtime()
    solve(world, float(sys.argv[1]), int(sys.argv[2]))
    taken = max(world.allgather(MPI.Wtime() - start))
    if world.rank == 0:
        Path(os.environ["FSOPT_RESULT"]).write_text(json.dumps({"seconds": taken}))
