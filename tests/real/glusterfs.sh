#!/usr/bin/env bash
# A real GlusterFS volume with two clients, which share nothing but the server, on one machine.
#   glusterfs.sh start DIR    mounts the volume at DIR/one and DIR/two
#   glusterfs.sh stop DIR
# Needs root, /dev/fuse and the packages glusterfs-server, glusterfs-client and iproute2.
set -euo pipefail

verb=$1 dir=$2
volume=fsopt_test
. "$(dirname "$0")/servers.sh"

start() {
  make_space
  mkdir -p "$dir"/{brick,one,two} /var/log/glusterfs /var/run/gluster /var/lib/glusterd
  pidof glusterd >/dev/null || inside glusterd -p "$dir/glusterd.pid" -l "$dir/glusterd.log"
  repeat_until "glusterd answers" inside gluster --mode=script peer status
  inside gluster --mode=script volume create "$volume" transport tcp \
    "$address:$dir/brick" force >/dev/null
  inside gluster --mode=script volume start "$volume" >/dev/null
  for client in one two; do
    inside glusterfs --volfile-server="$address" --volfile-id="$volume" \
      --log-file="$dir/$client.log" "$dir/$client"
  done
  repeat_until "the volume is mounted" both_mounted
}

stop() {
  set +e
  unmount
  inside gluster --mode=script volume stop "$volume" force >/dev/null 2>&1
  inside gluster --mode=script volume delete "$volume" >/dev/null 2>&1
  stop_by_file "$dir/glusterd.pid"
  remove_space
  true
}

"$verb"
