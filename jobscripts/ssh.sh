#!/bin/bash
# One study on several machines without a batch system: a process on each, started by ssh.
#   HOSTS="node1 node2 node2" jobscripts/ssh.sh      a host given twice gets two processes
# End it everywhere with `fsopt stop DIR`: all processes pause their trials and leave.

HOSTS=${HOSTS:?names of the machines, such as "node1 node2"}
SCRIPT=${SCRIPT:-examples/digits_mlp.py} # defines the space and the objective
STUDY=${STUDY:-$PWD/runs/digits}         # a directory that all machines see at the same path
TRIALS=${TRIALS:-500}                    # for the whole study, not for each process
WORKERS=${WORKERS:-auto}                 # trials at the same time in each; auto: one a CPU
FSOPT=${FSOPT:-$(command -v fsopt)}      # the program, at the same path everywhere
LOGS=${LOGS:-$STUDY/jobs}                # what the processes print

# On Lustre, before the first run: logs are small files that one process appends to.
#   mkdir -p "$STUDY" && lfs setstripe -c 1 "$STUDY"

mkdir -p "$LOGS" || exit
command=(env OMP_NUM_THREADS=1 "$FSOPT" run "$SCRIPT" --study "$STUDY" --trials "$TRIALS"
  --workers "$WORKERS")
processes=()
for host in $HOSTS; do
  # The other side's shell gets the words quoted as this one understands them.
  ssh -o BatchMode=yes "$host" "cd $(printf %q "$PWD") && exec $(printf '%q ' "${command[@]}")" \
    </dev/null >>"$LOGS/ssh-$host-$$-${#processes[@]}.out" 2>&1 &
  processes+=($!)
done

failed=0
for process in "${processes[@]}"; do wait "$process" || failed=1; done
exit "$failed"
