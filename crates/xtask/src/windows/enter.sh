# Puts the programs for Windows, a Windows and the source into the Debian:  ROOT PROGRAMS PREFIX SOURCE PROGRAM...
# It is started in a mount namespace of its own, so that all of this goes with it.
set -e
root=$1 programs=$2 prefix=$3 source=$4
shift 4
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount --bind /tmp "$root/tmp"
mkdir -p "$root/mnt/windows" "$root/mnt/prefix" "$root$source"
mount --bind "$programs" "$root/mnt/windows"
mount --bind "$prefix" "$root/mnt/prefix"
# Unit tests look for it where it was compiled.
mount --bind "$source" "$root$source"
exec "$@"
