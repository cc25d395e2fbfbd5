#!/bin/bash
# One study, many tasks: each task of this array is one more process that works on the directory.
#   bsub <jobscripts/lsf-array.sh
# `fsopt submit --scheduler lsf` writes and submits such a script from options.
#BSUB -J "fsopt[1-16]"
#BSUB -n 4 -R "span[hosts=1]"
#BSUB -W 2:00
#BSUB -wa USR1 -wt 2
#BSUB -r -Q 75
#BSUB -o fsopt-%J_%I.out

SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all nodes see
TRIALS=${TRIALS:-500}                    # for the whole study, not for each task
WORKERS=${WORKERS:-auto}                 # trials at the same time in each task; auto: one a CPU

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

export OMP_NUM_THREADS=1

# LSF signals all processes of the job; this shell waits until fsopt has paused its trials.
warned=0
trap 'warned=1' USR1
trap : INT TERM
fsopt run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" --workers "$WORKERS"
status=$?

# 75 goes back into the queue (-Q): after a warning of the time limit, not after bkill.
if [ "$status" -eq 75 ] && [ "$warned" -eq 0 ]; then status=143; fi
exit "$status"
