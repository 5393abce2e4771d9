# The rpms, by rpm itself. Their dependencies are Debian's packages here, which rpm does not know: --nodeps.
by_rpm() { rpm --nodeps "$@" > /root/rpm 2>&1 || fail "rpm: $(cat /root/rpm)"; }
rpms() { echo /opt/$1/evertoken-[0-9]*.rpm /opt/$1/evertoken-desktop-*.rpm /opt/$1/evertoken-sandbox-*.rpm; }
agent_of_ada() { pgrep --uid ada --exact evertoken-agent; }
runs_the_new_one() { [ "$(stat --dereference --format %i "/proc/$1/exe")" = "$(stat --format %i /usr/bin/evertoken-agent)" ]; }
vault() { sudo -u evertoken env EVERTOKEN_SOCKET=/run/evertoken/agent.sock /usr/bin/evertoken "$@"; }

step 'rpm installs: the user of the service, its units, the login of ada'
getent passwd evertoken > /dev/null && fail 'the user of the service is there already'
by_rpm --install $(rpms earlier)
same "$(rpm --query --queryformat '%{VERSION}' evertoken)" 0.0.9 'the version'
rpm --verify --nodeps evertoken evertoken-desktop evertoken-sandbox || fail 'files differ from the package'
getent passwd evertoken > /dev/null || fail 'no user of the service'
systemctl cat evertoken-agent.service evertoken-agent.socket > /dev/null
systemctl is-enabled --quiet evertoken-agent.service && fail 'a service that nobody asked for'
same "$(person ada 'evertoken token')" "$(cat /root/token-of-ada)" 'by the program of the rpm'
says "$(person ada 'evertoken doctor' || :)" 'Installed from the rpm package (/usr/bin/evertoken)'
install -d -o evertoken -g evertoken -m 700 /var/lib/evertoken
printf 'version = 1\n[settings]\nkeychain = "file"\n' |
    install -o evertoken -g evertoken -m 600 /dev/stdin /var/lib/evertoken/config.toml
systemctl enable --quiet --now evertoken-agent.socket evertoken-agent.service
sign_in | vault login --endpoint $ENDPOINT
token=$(vault token)

step 'rpm upgrades: the agents become the new program'
ada=$(agent_of_ada) service=$(main_pid)
by_rpm --upgrade $(rpms packages)
until_true 30 runs_the_new_one "$ada"
until_true 30 runs_the_new_one "$service"
systemctl is-enabled --quiet evertoken-agent.service || fail 'an upgrade disabled the service'
same "$(agent_of_ada) $(main_pid)" "$ada $service" 'the processes'
same "$(person ada 'evertoken token')" "$(cat /root/token-of-ada)" 'after the upgrade'
same "$(vault token)" "$token" 'after the upgrade'

step 'rpm erases: the service ends, and what people made stays'
person ada 'evertoken agent stop' > /dev/null
by_rpm --erase evertoken-desktop evertoken-sandbox evertoken
pgrep --exact evertoken-agent > /dev/null && fail 'an agent runs without its program'
left=$(find /usr /etc -name '*evertoken*' -not -path '/etc/credstore.encrypted/*')
[ -z "$left" ] || fail "left: $left"
[ -e /home/ada/.config/evertoken/config.toml ] || fail 'the configuration of ada is gone'
[ -e /var/lib/evertoken/config.toml ] || fail "the service's login is gone"
nothing_was_refused
