#!/bin/bash
# One study, many tasks: each task of this array is one more process that works on the directory.
#   sbatch jobscripts/slurm-array.sh
# `fsopt submit` writes and submits such a script from options.
#SBATCH --job-name=fsopt
#SBATCH --array=0-15
#SBATCH --ntasks=1 --cpus-per-task=4
#SBATCH --time=02:00:00
#SBATCH --requeue --open-mode=append
#SBATCH --signal=USR1@120
#SBATCH --output=%x-%A_%a.out

SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all nodes see
TRIALS=${TRIALS:-500}                    # for the whole study, not for each task
WORKERS=${WORKERS:-auto}                 # trials at the same time in each task; auto: one a CPU

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

export OMP_NUM_THREADS=1

# srun: Slurm's signals reach fsopt itself, which pauses its trials; others continue them.
srun --ntasks=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  fsopt run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" --workers "$WORKERS"
status=$?

# 75: it was warned of its time limit (--signal), so it goes back into the queue. What Slurm itself
# requeues, or a person cancels, does not run any more.
task=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID
if [ "$status" -eq 75 ] && [ "$(squeue -h -j "$task" -o %T)" = RUNNING ]; then
  scontrol requeue "$task"
fi
exit "$status"
