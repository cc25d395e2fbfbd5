#!/bin/bash
# One study, many tasks: each task of this array is one more process that works on the directory.
#   sbatch jobscripts/slurm-array.sh
#SBATCH --job-name=fsopt
#SBATCH --array=0-15
#SBATCH --cpus-per-task=4
#SBATCH --time=02:00:00
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=%x-%A_%a.out

SCRIPT=${SCRIPT:-examples/digits_mlp.py}   # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}           # a directory that all nodes see
TRIALS=${TRIALS:-500}                      # for the whole study, not for each task
WORKERS=${WORKERS:-${SLURM_CPUS_PER_TASK:-1}}

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

export OMP_NUM_THREADS=1

# exec: Slurm's signals reach fsopt itself, which pauses its trials; whoever comes next goes on
# with them. A task that is preempted is put into the queue again by Slurm (--requeue).
exec fsopt run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" --workers "$WORKERS"
