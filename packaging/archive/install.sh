#!/bin/sh
# Installs Evertoken for one person, without root:
#   ./install.sh                into ~/.local
#   ./install.sh --prefix DIR   elsewhere
#   ./install.sh --uninstall    removes what it installed, and no login
set -eu
# Everybody can use what root installs, also where root keeps its own files to itself.
umask 022
here=$(cd "$(dirname "$0")" && pwd)
prefix=$HOME/.local
action=install
while [ $# -gt 0 ]; do
    case $1 in
        --prefix) prefix=${2:?--prefix needs a folder}; shift 2 ;;
        --uninstall) action=uninstall; shift ;;
        *) sed -n '2,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done
case $prefix in /*) ;; *) echo "install.sh: the folder has to begin with /" >&2; exit 2 ;; esac
list=$prefix/share/evertoken/installed-files

# Where each file goes: systemd and desktops look into ~/.local/share. The system's units are for root.
place() {
    case $1 in
        lib/systemd/user/*) echo "share/systemd/user/${1#lib/systemd/user/}" ;;
        lib/*) ;;
        share/zsh/vendor-completions/*) echo "share/zsh/site-functions/${1##*/}" ;;
        share/doc/*) echo "share/doc/evertoken/${1#share/doc/}" ;;
        *) echo "$1" ;;
    esac
}

uninstall() {
    [ -f "$list" ] || { echo "install.sh: nothing is installed in $prefix" >&2; exit 1; }
    while read -r file; do rm -f "$prefix/$file"; done < "$list"
    rm -f "$list"
    rmdir "$prefix"/share/doc/evertoken/* "$prefix/share/doc/evertoken" "$prefix/share/evertoken" 2> /dev/null || :
    echo "Removed from $prefix. Logins and config.toml are still there."
}

install_file() {
    mkdir -p "$(dirname "$prefix/$2")"
    # Put beside and renamed, so that an agent that runs sees a whole new program.
    cp "$here/$1" "$prefix/$2.new"
    case $2 in
        share/systemd/user/*) sed -i "s|/usr/bin/|$prefix/bin/|" "$prefix/$2.new" ;;
        share/applications/*) sed -i "s#^\(Exec\|TryExec\)=#\1=$prefix/bin/#" "$prefix/$2.new" ;;
    esac
    case $2 in
        bin/*) chmod 755 "$prefix/$2.new" ;;
        *) chmod 644 "$prefix/$2.new" ;;
    esac
    mv -f "$prefix/$2.new" "$prefix/$2"
    echo "$2" >> "$list.new"
}

install_all() {
    mkdir -p "$prefix/share/evertoken"
    : > "$list.new"
    (cd "$here" && find bin lib share -type f | sort) | while read -r file; do
        to=$(place "$file")
        [ -z "$to" ] || install_file "$file" "$to"
    done
    mv -f "$list.new" "$list"
    echo "Installed in $prefix. Begin with: evertoken login"
    case :$PATH: in
        *:$prefix/bin:*) ;;
        *) echo "Put $prefix/bin on your PATH first." ;;
    esac
}

case $action in
    install) install_all ;;
    uninstall) uninstall ;;
esac
