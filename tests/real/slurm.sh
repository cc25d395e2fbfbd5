#!/usr/bin/env bash
# A real Slurm of three small nodes on this machine, without systemd.
#   slurm.sh start DIR        starts it; the commands need `nsenter --net=/run/netns/SPACE`, where
#                             SPACE stands in DIR/space, and SLURM_CONF=DIR/slurm.conf
#   slurm.sh node DIR NODE    starts a node again
#   slurm.sh lose DIR NODE    kills everything on a node at once, as if its power had failed
#   slurm.sh orphan DIR NODE  kills a node's slurmd only; what it started goes on
#   slurm.sh stop DIR
# Needs root and the packages slurm-wlm, munge and iproute2. Each node has process numbers and a
# host name of its own, so that nobody can see from one whether a process of the other lives.
set -euo pipefail

verb=$1 dir=$2 node=${3:-}
. "$(dirname "$0")/servers.sh"
export SLURM_CONF=$dir/slurm.conf
nodes=(n1 n2 n3)
cpus=12 # of each node, by its own account

configure() {
  cat >"$SLURM_CONF" <<END
ClusterName=$space
SlurmctldHost=$(hostname -s)(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
# A job that is requeued waits until its credential has expired, and a second.
AuthInfo=socket=$dir/munge.socket,cred_expire=5
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool-%n
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd-%n.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd-%n.log
ProctrackType=proctrack/pgid
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
# Ids that no other Slurm of this machine has used: MPI names shared memory after them.
FirstJobId=$((1000 + RANDOM * 100 + RANDOM % 100))
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=bf_interval=1,bf_continue,sched_interval=2,batch_sched_delay=0,sched_min_interval=0
PriorityType=priority/basic
JobRequeue=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
SlurmdTimeout=5
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=n[1-3] NodeAddr=127.0.0.1 Port=[7001-7003] CPUs=$cpus RealMemory=16000
PartitionName=low Nodes=n[1-2] Default=YES PriorityTier=1 GraceTime=20 MaxTime=60 DefaultTime=60
PartitionName=high Nodes=n[1-2] PriorityTier=10 PreemptMode=OFF MaxTime=60 DefaultTime=60
PartitionName=apart Nodes=n3 MaxTime=60 DefaultTime=60
END
}

start_munge() {
  dd if=/dev/urandom of="$dir/munge.key" bs=128 count=1 status=none
  chmod 400 "$dir/munge.key"
  munged --force --key-file="$dir/munge.key" --socket="$dir/munge.socket" \
    --pid-file="$dir/munged.pid" --log-file="$dir/munged.log" --seed-file="$dir/munge.seed" \
    2>>"$dir/munged.log"
}

# The first process of a node is a shell that waits; when it ends, everything there is killed. It is
# the only child of the process whose number is kept.
start_node() {
  mkdir -p "$dir/spool-$1"
  nsenter --net="/run/netns/$space" unshare --pid --fork --kill-child --mount-proc --uts bash -c '
    hostname "$1"
    slurmd -D -N "$1" &
    sleep infinity &
    wait
  ' - "$1" </dev/null >>"$dir/node-$1.log" 2>&1 &
  echo $! >"$dir/node-$1.pid"
}

is_up() { inside sinfo -h -n "$1" -t idle -o %t | grep -qx idle; }

stop_node() {
  kill -KILL "$(cat "$dir/node-$1.pid")"
  rm "$dir/node-$1.pid"
}

start() {
  mkdir -p "$dir/state"
  echo "$space" >"$dir/space"
  make_space
  configure
  start_munge
  inside slurmctld -i
  for name in "${nodes[@]}"; do start_node "$name"; done
  for name in "${nodes[@]}"; do repeat_until "$name is up" is_up "$name"; done
}

node() {
  start_node "$node"
  inside scontrol update "nodename=$node" state=resume
  repeat_until "$node is up" is_up "$node"
}

# Slurm would notice by itself, but not soon.
give_up() { inside scontrol update "nodename=$node" state=down reason=lost; }

lose() {
  stop_node "$node"
  give_up
}

orphan() {
  local outer init
  outer=$(cat "$dir/node-$node.pid")
  init=$(cat "/proc/$outer/task/$outer/children")
  nsenter --target="${init% }" --pid --mount /bin/kill -KILL "$(cat "$dir/slurmd-$node.pid")"
  give_up
}

stop() {
  set +e
  for name in "${nodes[@]}"; do [ -s "$dir/node-$name.pid" ] && stop_node "$name"; done
  stop_by_file "$dir/slurmctld.pid"
  stop_by_file "$dir/munged.pid"
  remove_space
  true
}

"$verb"
