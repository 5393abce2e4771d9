#!/bin/sh
# Enters a Debian root that knows nothing of this machine but its kernel and its network:  enter.sh ROOT COMMAND...
# It is started in mount and process namespaces of its own, so that all of this goes with it.
set -e
root=$1
shift
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    : > "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/shm" "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
mount --bind "$EVERTOKEN_RUST" "$root/opt/rust"
cp /etc/resolv.conf "$root/etc/resolv.conf"
# Not exec: the first process of a namespace does not hear Ctrl-C. The shell hears it and goes on, so that the program's own
# exit code counts.
trap : INT
chroot "$root" /usr/bin/env --ignore-environment --chdir=/root/evertoken \
    HOME=/root USER=root LOGNAME=root LANG=C.UTF-8 CI=true \
    PATH=/opt/rust/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"
