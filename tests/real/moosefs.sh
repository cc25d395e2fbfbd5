#!/usr/bin/env bash
# A real MooseFS (one master, one chunk server) with two clients on one machine.
#   moosefs.sh start DIR    mounts it at DIR/one and DIR/two
#   moosefs.sh stop DIR
# Needs root, /dev/fuse and the packages moosefs-master, moosefs-chunkserver, moosefs-client and
# iproute2. Nothing outside of DIR is written; the clients' caches are as they come.
set -euo pipefail

verb=$1 dir=$2
. "$(dirname "$0")/servers.sh"

configure() {
  local common="WORKING_USER = root
WORKING_GROUP = root"
  cat >"$dir/master.cfg" <<END
$common
DATA_PATH = $dir/master
EXPORTS_FILENAME = $dir/exports.cfg
TOPOLOGY_FILENAME = $dir/topology.cfg
MATOML_LISTEN_HOST = $address
MATOCS_LISTEN_HOST = $address
MATOCL_LISTEN_HOST = $address
LOCK_MEMORY = 0
END
  cat >"$dir/chunks.cfg" <<END
$common
DATA_PATH = $dir/chunks
HDD_CONF_FILENAME = $dir/disks.cfg
HDD_LEAVE_SPACE_DEFAULT = 64MiB
MASTER_HOST = $address
BIND_HOST = $address
CSSERV_LISTEN_HOST = $address
END
  echo "* / rw,alldirs,maproot=0:0" >"$dir/exports.cfg"
  echo "$dir/disk" >"$dir/disks.cfg"
  : >"$dir/topology.cfg"
  # This is how a master is told to begin with an empty tree.
  printf 'MFSM NEW' >"$dir/master/metadata.mfs"
}

# The master lists the chunk server a moment after that has begun; until then nothing can be
# written.
writable() { timeout 2 sh -c 'echo x >"$1" && rm "$1"' - "$dir/one/.probe"; }

start() {
  make_space
  mkdir -p "$dir"/{master,chunks,disk,one,two}
  configure
  inside mfsmaster -c "$dir/master.cfg" start >"$dir/master.log" 2>&1
  inside mfschunkserver -c "$dir/chunks.cfg" start >"$dir/chunks.log" 2>&1
  for client in one two; do
    inside mfsmount "$dir/$client" -H "$address" >"$dir/$client.log" 2>&1
  done
  repeat_until "it is mounted" both_mounted
  inside mfssetgoal -r 1 "$dir/one" >"$dir/goal.log" 2>&1
  repeat_until "it takes files" writable
}

stop() {
  set +e
  unmount
  inside mfschunkserver -c "$dir/chunks.cfg" kill >/dev/null 2>&1 &
  inside mfsmaster -c "$dir/master.cfg" kill >/dev/null 2>&1
  wait
  remove_space
  true
}

"$verb"
