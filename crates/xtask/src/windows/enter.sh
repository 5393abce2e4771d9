# Puts the programs for Windows and a Windows into the Debian:  ROOT PROGRAMS PREFIX PROGRAM...
# It is started in a mount namespace of its own, so that all of this goes with it.
set -e
root=$1 programs=$2 prefix=$3
shift 3
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind /tmp "$root/tmp"
mkdir -p "$root/mnt/windows" "$root/mnt/prefix" "$programs"
mount --bind "$programs" "$root/mnt/windows"
mount --bind "$prefix" "$root/mnt/prefix"
exec "$@"
