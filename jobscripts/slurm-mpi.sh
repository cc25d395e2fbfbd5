#!/bin/bash
# One study, one MPI job: rank 0 writes the log of all, the other ranks evaluate. Several such jobs,
# and any other process, may share the study.
#   sbatch jobscripts/slurm-mpi.sh
#SBATCH --job-name=fsopt-mpi
#SBATCH --ntasks=64 --cpus-per-task=1
#SBATCH --time=02:00:00
#SBATCH --requeue --open-mode=append
#SBATCH --signal=USR1@120
#SBATCH --output=%x-%j.out

SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all nodes see
TRIALS=${TRIALS:-5000}                   # for the whole study, not for each rank
MPI=${MPI:-pmix}                         # Open MPI: pmix; MPICH and its relatives: pmi2

# On Lustre, before the first run: the log is one file that one rank appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

export OMP_NUM_THREADS=$SLURM_CPUS_PER_TASK

# Without --kill-on-bad-exit the others would wait for a rank that has died.
srun --mpi="$MPI" --kill-on-bad-exit=1 --cpus-per-task="$SLURM_CPUS_PER_TASK" \
  fsopt run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" --backend mpi
status=$?

# 75: warned of its time limit, it goes back into the queue; see slurm-array.sh.
if [ "$status" -eq 75 ] && [ "$(squeue -h -j "$SLURM_JOB_ID" -o %T)" = RUNNING ]; then
  scontrol requeue "$SLURM_JOB_ID"
fi
exit "$status"
