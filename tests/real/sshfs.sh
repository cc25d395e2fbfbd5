#!/usr/bin/env bash
# A directory that is mounted twice by sshfs, through an SSH server of its own.
#   sshfs.sh start DIR    mounts DIR/served at DIR/one and DIR/two
#   sshfs.sh stop DIR
# Needs root, /dev/fuse and the packages sshfs, openssh-server and iproute2. The server has its own
# keys and settings, and can be reached only from its network namespace. The clients remember names
# for a second, not for 20, which only makes tests shorter.
set -euo pipefail

verb=$1 dir=$2
. "$(dirname "$0")/servers.sh"

configure() {
  for key in server user; do ssh-keygen -q -t ed25519 -N '' -f "$dir/$key"; done
  cat >"$dir/sshd_config" <<END
ListenAddress $address
HostKey $dir/server
AuthorizedKeysFile $dir/user.pub
PidFile $dir/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
StrictModes no
UsePAM no
Subsystem sftp internal-sftp
END
  echo "$address $(cat "$dir/server.pub")" >"$dir/known_hosts"
}

start() {
  make_space
  mkdir -p "$dir"/{served,one,two} /run/sshd
  configure
  inside /usr/sbin/sshd -f "$dir/sshd_config" -E "$dir/sshd.log"
  repeat_until "the SSH server has begun" test -s "$dir/sshd.pid"
  for client in one two; do
    inside sshfs "root@$address:$dir/served" "$dir/$client" -o \
      "IdentityFile=$dir/user,UserKnownHostsFile=$dir/known_hosts,BatchMode=yes,dcache_timeout=1"
  done
  repeat_until "it is mounted" both_mounted
}

stop() {
  set +e
  unmount
  stop_by_file "$dir/sshd.pid"
  remove_space
  true
}

"$verb"
