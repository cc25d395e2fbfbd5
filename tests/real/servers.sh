# What the scripts of network filesystems have in common; sourced by them, after `dir` is set. Each
# server has a network namespace of its own: some refuse addresses of 127.0.0.0/8, several can run
# at once, and no port of the machine is opened.
# shellcheck shell=bash disable=SC2154

space=fsopt-$(cksum <<<"$dir" | cut -d' ' -f1)
address=10.78.0.1

inside() { nsenter --net="/run/netns/$space" "$@"; }

make_space() {
  ip netns list | grep -qw "$space" || ip netns add "$space"
  ip -n "$space" link set lo up
  ip -n "$space" addr replace "$address/32" dev lo
}

remove_space() { ip netns del "$space" 2>/dev/null; }

# repeat_until WHAT COMMAND...: tries a command for 10 s.
repeat_until() {
  local what=$1
  shift
  for _ in $(seq 100); do
    if "$@" >/dev/null 2>&1; then return; fi
    sleep 0.1
  done
  echo "$(basename "$0"): not in 10 s: $what; see $dir/*.log" >&2
  exit 1
}

both_mounted() { mountpoint -q "$dir/one" && mountpoint -q "$dir/two"; }

unmount() {
  for client in one two; do
    mountpoint -q "$dir/$client" && { umount "$dir/$client" || umount -l "$dir/$client"; }
  done
}

stop_by_file() { [ -s "$1" ] && kill "$(cat "$1")"; }
