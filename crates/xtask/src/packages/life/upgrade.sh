# The agents of ada and of the service become the new program, and pollers read tokens all the time.
export DEBIAN_FRONTEND=noninteractive
install_debs() { apt-get install --yes --quiet=2 --no-install-recommends --allow-downgrades "$@" > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"; }
vault() { sudo -u evertoken env EVERTOKEN_SOCKET=/run/evertoken/agent.sock /usr/bin/evertoken "$@"; }
agent_of_ada() { pgrep --uid ada --exact evertoken-agent; }
# The program's file is the one that is installed now.
runs_the_new_one() { [ "$(stat --dereference --format %i "/proc/$1/exe")" = "$(stat --format %i /usr/bin/evertoken-agent)" ]; }
# Reads a token over and over until the file is gone: poll NAME COMMAND...
poll() {
    local name=$1 count=0
    shift
    while [ -e /root/polling ]; do
        "$@" > "/root/poll-$name" 2>&1 || { echo "after $count reads: $(cat "/root/poll-$name")" > "/root/failed-$name"; return; }
        [ "$(cat "/root/poll-$name")" = "$(cat "/root/token-of-$name")" ] || echo 'another token' > "/root/failed-$name"
        count=$((count + 1))
    done
    echo $count > "/root/count-$name"
}
as_ada() { setpriv --reuid=ada --regid=ada --init-groups env --ignore-environment HOME=/home/ada /usr/bin/evertoken token; }

step 'pollers'
requests=$(curl --silent http://127.0.0.1:8787/sandbox/requests)
ada=$(agent_of_ada) service=$(main_pid)
touch /root/polling
cp --preserve=all /usr/bin/evertoken /root/evertoken
poll ada as_ada & first=$!
poll the-service vault token & second=$!

step 'apt upgrades'
for version in packages later packages; do
    install_debs /opt/$version/evertoken_*.deb /opt/$version/evertoken-desktop_*.deb
    until_true 30 runs_the_new_one "$ada"
    until_true 30 runs_the_new_one "$service"
done
rm /root/polling
wait $first $second
for name in ada the-service; do
    [ ! -e /root/failed-$name ] || fail "$name: $(cat /root/failed-$name)"
    [ "$(cat /root/count-$name)" -gt 20 ] || fail "too few reads: $(cat /root/count-$name)"
    step "  $name: $(cat /root/count-$name) reads, each with the token"
done

step 'the same processes, nothing was refreshed, and a refresh works'
same "$(agent_of_ada)" "$ada" 'the agent of ada'
same "$(main_pid)" "$service" 'the service'
systemctl is-active --quiet evertoken-agent.service || fail 'the service does not run'
same "$(curl --silent http://127.0.0.1:8787/sandbox/requests)" "$requests" 'requests'
person ada 'evertoken status --json' | grep --quiet '"state":"valid"' || fail 'not valid'
person ada 'evertoken refresh' > /dev/null
person ada 'evertoken token' > /root/token-of-ada
accepted "$(cat /root/token-of-ada)"
nothing_was_refused

step 'a configuration of a later version is refused in words, and kept'
config=/home/ada/.config/evertoken/config.toml
person ada 'evertoken agent stop' > /dev/null
sed --in-place 's/^version = .*/version = 2/' $config
cp $config /root/config-of-a-later-version
install_debs /opt/earlier/evertoken_*.deb /opt/earlier/evertoken-desktop_*.deb
said=$(person ada 'evertoken token' 2>&1) && fail 'a token from a configuration that cannot be read'
says "$said" 'it has version 2, and this Evertoken knows versions up to 1'
cmp --quiet $config /root/config-of-a-later-version || fail 'the file was changed'
sed --in-place 's/^version = .*/version = 1/' $config
install_debs /opt/packages/evertoken_*.deb /opt/packages/evertoken-desktop_*.deb
same "$(person ada 'evertoken token')" "$(cat /root/token-of-ada)" 'after the way back'
nothing_was_refused
