#!/bin/bash
# One study by several processes that GNU parallel starts, here or on other machines.
#   PROCESSES=4 jobscripts/gnu-parallel.sh
#   PROCESSES=8 MACHINES=4/node1,4/node2 jobscripts/gnu-parallel.sh
# End it everywhere with `fsopt stop DIR`: all processes pause their trials and leave.

PROCESSES=${PROCESSES:-2}
MACHINES=${MACHINES:-$PROCESSES/:}       # how many where, for --sshlogin; ":" is this machine
SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all machines see at the same path
TRIALS=${TRIALS:-500}                    # for the whole study, not for each process
WORKERS=${WORKERS:-1}                    # trials at the same time in each process
FSOPT=${FSOPT:-$(command -v fsopt)}      # the program, at the same path everywhere

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

seq "$PROCESSES" | exec parallel --sshlogin "$MACHINES" --jobs 100% --workdir "$PWD" -N0 --quote \
  --line-buffer --tagstring 'process {#}' --halt never \
  env OMP_NUM_THREADS=1 "$FSOPT" run "$SCRIPT" --study "$STUDY" --trials "$TRIALS" \
  --workers "$WORKERS"
