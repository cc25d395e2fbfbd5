#!/usr/bin/env bash
# Runs a command where a real NFS 4.2 server and two clients of it are: in a virtual machine, since
# all three are parts of the kernel.
#   nfs_in_vm.sh DIR COMMAND...
# The machine shares the root directory of this one, so the command finds everything where it is.
# The clients mount the same export at DIR/one and DIR/two; they have addresses and names of their
# own, so that the server takes them for two computers. The exit status is the command's. Needs
# root, a Debian whose package lists are there, and what `.ci/run -m slow` installs. The machine is
# emulated, which takes a minute or two longer and needs no /dev/kvm.
set -euo pipefail

dir=$(realpath "$1")
shift
memory=2G

# The kernel of the distribution; only its files are needed, it is not installed.
fetch_kernel() {
  local package
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  if [ -z "$package" ]; then
    echo "nfs_in_vm.sh: apt knows no linux-image-cloud-amd64; run apt-get update" >&2
    exit 1
  fi
  release=${package#linux-image-}
  mkdir -p "$dir/kernel"
  (cd "$dir" && apt-get download -qq "$package" 2>apt.log && dpkg -x "$package"_*.deb kernel)
  depmod -b "$dir/kernel" "$release"
}

# What the kernel starts: it mounts this machine's root directory and goes on there.
make_initrd() {
  local tree=$dir/initrd.d module
  mkdir -p "$tree"/{bin,modules,root,proc}
  cp "$(command -v busybox)" "$tree/bin/"
  for module in virtio_pci virtiofs; do
    modprobe -d "$dir/kernel" -S "$release" --show-depends "$module"
  done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$dir/modules"
  xargs -a "$dir/modules" cp -t "$tree/modules"
  {
    echo "#!/bin/busybox sh"
    sed 's|.*/|/bin/busybox insmod /modules/|' "$dir/modules"
    cat <<END
/bin/busybox mount -t virtiofs root /root
for kind in proc sysfs devtmpfs; do
  case \$kind in sysfs) at=sys ;; devtmpfs) at=dev ;; *) at=\$kind ;; esac
  /bin/busybox mount -t \$kind \$kind /root/\$at
done
exec /bin/busybox chroot /root /bin/bash "$dir/guest.sh"
END
  } >"$tree/init"
  chmod +x "$tree/init"
  (cd "$tree" && find . | cpio -o -H newc --quiet | gzip -1) >"$dir/initrd"
}

# What runs in the machine: server, clients, the command.
write_guest() {
  {
    printf 'export PATH=%q HOME=%q\ncd %q\n' "$PATH" "$HOME" "$PWD"
    printf 'dir=%q release=%q\n' "$dir" "$release"
    printf 'work() {'
    printf ' %q' "$@"
    printf '; }\n'
    cat <<'END'
set -x
for place in /run /var/lib/nfs /dev/shm; do
  mkdir -p "$place" && mount -t tmpfs tmpfs "$place"
done
for module in nfsd nfsv4 veth; do modprobe -d "$dir/kernel" -S "$release" "$module"; done
mkdir -p /var/lib/nfs/{rpc_pipefs,v4recovery} /run/netns
touch /var/lib/nfs/{etab,rmtab}
mount -t nfsd nfsd /proc/fs/nfsd
mount -t rpc_pipefs rpc_pipefs /var/lib/nfs/rpc_pipefs
ip link set lo up

mkdir -p "$dir"/{served,one,two}
mount -t tmpfs tmpfs "$dir/served"
rpcbind
exportfs -o rw,no_root_squash,no_subtree_check,sync,insecure,fsid=0 "10.78.0.0/16:$dir/served"
# New clients are let in at once instead of after the time in which old ones could come back.
rpc.nfsd --grace-time 5 --lease-time 5 4
rpc.mountd
echo Y >/proc/fs/nfsd/v4_end_grace

number=0
for client in one two; do
  number=$((number + 1))
  ip netns add "$client"
  ip link add "$client" type veth peer name eth0 netns "$client"
  ip addr add "10.78.$number.1/24" dev "$client"
  ip link set "$client" up
  ip -n "$client" addr add "10.78.$number.2/24" dev eth0
  ip -n "$client" link set eth0 up
  nsenter --net="/run/netns/$client" unshare --uts sh -c '
    hostname "$1" && mount -t nfs -o vers=4.2 "$2:/" "$3"
  ' - "$client" "10.78.$number.1" "$dir/$client"
done
grep " nfs4 " /proc/mounts >"$dir/mounts"
set +x

work >"$dir/output" 2>&1
echo $? >"$dir/status"
umount -f "$dir/one" "$dir/two"
sync
echo o >/proc/sysrq-trigger
sleep 10
END
  } >"$dir/guest.sh"
}

boot() {
  /usr/lib/qemu/virtiofsd --socket-path="$dir/root.socket" -o source=/ -o cache=auto \
    -o sandbox=chroot >"$dir/virtiofsd.log" 2>&1 &
  trap 'kill %1 2>/dev/null || true' EXIT
  for _ in $(seq 100); do
    [ -S "$dir/root.socket" ] && break
    sleep 0.1
  done
  timeout 400 qemu-system-x86_64 -nodefaults -no-user-config -display none -no-reboot \
    -accel tcg,thread=multi -cpu max -smp 2 -m "$memory" -machine q35,memory-backend=memory \
    -object "memory-backend-memfd,id=memory,size=$memory,share=on" \
    -chardev "socket,id=root,path=$dir/root.socket" \
    -device vhost-user-fs-pci,chardev=root,tag=root \
    -kernel "$dir/kernel/boot/vmlinuz-$release" -initrd "$dir/initrd" \
    -append "console=ttyS0 quiet panic=-1" -serial "file:$dir/console.log" \
    >"$dir/qemu.log" 2>&1 || true
}

mkdir -p "$dir"
fetch_kernel
make_initrd
write_guest "$@"
boot
cat "$dir/output" 2>/dev/null || true
if [ ! -s "$dir/status" ]; then
  echo "nfs_in_vm.sh: the command did not come to its end; the console said last:" >&2
  tail -n 30 "$dir/console.log" "$dir/qemu.log" "$dir/virtiofsd.log" >&2
  exit 1
fi
exit "$(cat "$dir/status")"
