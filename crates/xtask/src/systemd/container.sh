# packaging/container followed with podman, as root. $1: a folder for images, $2: the programs, $3: a small Debian.
# The image's first stage is Rust's own and is left out: the programs are built already.
set -eu
storage=$1 programs=$2 debian=$3
# What every machine allows: no control groups of version 2, no limits above the own ones.
podman="podman --root=$storage/images --cgroup-manager=cgroupfs --runtime=runc"
limits='--ulimit=nofile=1024:1024 --ulimit=nproc=1024:1024'
# As compose.yaml says; the sandbox is on this machine's loopback.
service="$limits --network=host --read-only --cap-drop=ALL --security-opt=no-new-privileges"
volumes="--volume=state:/state --volume=socket:/run/evertoken --volume=$storage/evertoken-key:/secrets/evertoken-key:ro"

end() {
    status=$?
    [ $status = 0 ] || $podman logs evertoken >&2 || :
    [ -z "${sandbox-}" ] || kill "$sandbox"
    $podman rm --force --all > /dev/null 2>&1 || :
    $podman rmi --force --all > /dev/null 2>&1 || :
    exit $status
}
trap end EXIT
fail() { echo "  failed: $*" >&2; exit 1; }
step() { echo "  $*"; }

step 'the image, from its second stage on'
mkdir -p "$storage/context"
cp "$programs/evertoken" "$programs/evertoken-agent" "$storage/context"
tar --directory="$debian" --create . | $podman import --quiet - docker.io/library/debian:12-slim > /dev/null
sed --quiet '/^FROM docker.io\/library\/debian/,$p' packaging/container/Containerfile \
    | sed '/^RUN apt-get update/,/lists\/\*$/d; s|^COPY --from=build .*|COPY evertoken evertoken-agent /usr/bin/|' \
    > "$storage/context/Containerfile"
$podman build --quiet --isolation=chroot --tag=evertoken "$storage/context" > /dev/null
image=localhost/evertoken

step 'key, configuration and agent'
(umask 077; head -c 32 /dev/urandom > "$storage/evertoken-key")
chown 10001 "$storage/evertoken-key"
$podman run --rm --interactive $service $volumes --entrypoint=sh $image -c 'cat > /state/evertoken/config.toml' \
    < packaging/container/config.toml
$podman run --detach --name=evertoken $service $volumes $image > /dev/null

step 'a login and a token'
mkfifo "$storage/address"
"$programs/evertoken-sandbox" --listen=127.0.0.1:0 --expires-in=1h --grace=0 > "$storage/address" & sandbox=$!
read -r _ _ origin < "$storage/address"
curl --silent --fail --request POST "$origin/sandbox/sign-in" \
    | $podman exec --interactive evertoken evertoken login --endpoint "$origin/v2.0/reference/gettoken"
token=$($podman exec evertoken evertoken token)
curl --silent --fail --output /dev/null --header "Authorization: Bearer $token" "$origin/v2.0/user/info"
$podman exec evertoken evertoken doctor > /dev/null || fail 'doctor finds a failure'

step 'an application beside it: the same user is served, and nobody else'
beside="$limits --network=none --read-only --cap-drop=ALL --volume=socket:/run/evertoken --rm --entrypoint=curl"
ask='--silent --unix-socket /run/evertoken/agent.sock http://evertoken/v1/status'
$podman run $beside --user=10001:10001 $image $ask | grep --quiet '"state":"valid"' || fail 'the same user is not served'
if $podman run $beside --user=0:0 $image $ask | grep .; then fail 'root is served'; fi

step 'stopped and started: the login is there'
$podman stop evertoken > /dev/null
$podman start evertoken > /dev/null
[ "$($podman exec evertoken evertoken token)" = "$token" ] || fail 'another token'
