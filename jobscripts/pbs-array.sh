#!/bin/bash
# One study, many tasks: each task of this array is one more process that works on the directory.
#   qsub jobscripts/pbs-array.sh
# `fsopt submit --scheduler pbs` writes and submits such a script from options.
#PBS -N fsopt
#PBS -J 0-15
#PBS -l select=1:ncpus=4
#PBS -l walltime=02:00:00
#PBS -r y
#PBS -j oe

cd "$PBS_O_WORKDIR" || exit
SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all nodes see
TRIALS=${TRIALS:-500}                    # for the whole study, not for each task
WORKERS=${WORKERS:-auto}                 # trials at the same time in each task; auto: one a CPU
LIMIT=${LIMIT:-7080}                     # seconds: walltime without two minutes, to leave by itself

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

export OMP_NUM_THREADS=1

# exec: the signals of PBS (qdel, preemption) reach fsopt itself, which pauses its trials; others
# continue them. PBS does not warn of the walltime, hence the timeout; submit again to go on.
exec fsopt run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" --workers "$WORKERS" \
  --timeout "$LIMIT"
