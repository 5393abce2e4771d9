# Downloads the sources of Rust's standard library from Debian, past this machine's own apt:  VERSION MIRROR FOLDER
set -eu
version=$1 mirror=$2 folder=$3
apt=$folder.apt
mkdir -p "$apt/lists/partial" "$apt/archives/partial"
echo "deb $mirror trixie-backports main" > "$apt/sources.list"
set -- -qq -o "Dir::Etc::SourceList=$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
    -o "Dir::State::Lists=$apt/lists" -o "Dir::Cache=$apt"
apt-get "$@" update
cd "$apt"
apt-get "$@" download "rust-src=$version*"
dpkg -x rust-src_"$version"*.deb .
mkdir -p "$folder"
mv "usr/src/rustc-$version/library" "$folder"
rm -r "$apt"
