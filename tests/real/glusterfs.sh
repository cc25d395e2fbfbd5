#!/usr/bin/env bash
# A real GlusterFS volume with two clients, which share nothing but the server, on one machine.
#   glusterfs.sh start DIR    mounts the volume at DIR/one and DIR/two
#   glusterfs.sh stop DIR
# Needs root, /dev/fuse and the packages glusterfs-server, glusterfs-client and iproute2. Servers
# on 127.0.0.0/8 are refused by GlusterFS, so everything runs in a network namespace of its own.
set -euo pipefail

verb=$1 dir=$2
space=fsopt-gluster volume=fsopt_test address=10.78.0.1

inside() { nsenter --net="/run/netns/$space" "$@"; }

start() {
  ip netns list | grep -qw "$space" || ip netns add "$space"
  ip -n "$space" link set lo up
  ip -n "$space" addr replace "$address/32" dev lo
  mkdir -p "$dir"/{brick,one,two} /var/log/glusterfs /var/run/gluster /var/lib/glusterd
  pidof glusterd >/dev/null || inside glusterd -p "$dir/glusterd.pid" -l "$dir/glusterd.log"
  for _ in $(seq 100); do
    inside gluster --mode=script peer status >/dev/null 2>&1 && break
    sleep 0.1
  done
  inside gluster --mode=script volume create "$volume" transport tcp \
    "$address:$dir/brick" force >/dev/null
  inside gluster --mode=script volume start "$volume" >/dev/null
  for client in one two; do
    inside glusterfs --volfile-server="$address" --volfile-id="$volume" \
      --log-file="$dir/$client.log" "$dir/$client"
  done
  for _ in $(seq 100); do
    if mountpoint -q "$dir/one" && mountpoint -q "$dir/two"; then return; fi
    sleep 0.1
  done
  echo "glusterfs.sh: the volume was not mounted in 10 s; see $dir/*.log" >&2
  exit 1
}

stop() {
  set +e
  for client in one two; do
    mountpoint -q "$dir/$client" && { umount "$dir/$client" || umount -l "$dir/$client"; }
  done
  inside gluster --mode=script volume stop "$volume" force >/dev/null 2>&1
  inside gluster --mode=script volume delete "$volume" >/dev/null 2>&1
  [ -s "$dir/glusterd.pid" ] && kill "$(cat "$dir/glusterd.pid")"
  ip netns del "$space" 2>/dev/null
  true
}

"$verb"
