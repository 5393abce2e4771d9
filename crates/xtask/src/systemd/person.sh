# "As a service of one person" of docs/servers.md: ada begins with it, bob has an agent that a command has started.
useradd --create-home --shell /bin/bash ada
useradd --create-home --shell /bin/bash bob
echo 'ada, bob ALL=(root) NOPASSWD: /usr/bin/loginctl enable-linger *' > /etc/sudoers.d/lingering

step 'the set-up, word for word up to the login'
grep --quiet --line-regexp 'evertoken login' /opt/page/as-a-service-of-one-person-1
sed '/^evertoken login$/d' /opt/page/as-a-service-of-one-person-1 > /opt/set-up-of-a-person
person ada 'cd /opt/source; . /opt/set-up-of-a-person'
sign_in | person ada "evertoken login --endpoint $ENDPOINT"
token=$(person ada 'evertoken token')
accepted "$token"
person ada 'systemctl --user is-active --quiet evertoken-agent.service' || fail 'the service does not run'
says "$(person ada 'systemctl --user status evertoken-agent')" 'Status: "1 account: 1 valid"'

step 'the socket starts the agent'
person ada 'systemctl --user stop evertoken-agent.service 2>&1 > /dev/null'
pgrep --uid ada --exact evertoken-agent && fail 'it still runs'
same "$(person ada 'evertoken token')" "$token" 'by the socket'
same "$(person ada 'env -u XDG_RUNTIME_DIR -u DBUS_SESSION_BUS_ADDRESS evertoken token')" "$token" 'without a session'
same "$(pgrep --uid ada --exact --count evertoken-agent)" 1 'agents of ada'

step 'an agent by hand does not take the socket away'
said=$(person ada 'evertoken agent --no-tray 2>&1') && fail 'a second agent'
says "$said" 'another agent already serves'

step 'killed, reloaded, six restarts in a row'
person ada 'systemctl --user kill --signal=KILL evertoken-agent; evertoken token > /dev/null; systemctl --user reload evertoken-agent'
person ada 'for _ in 1 2 3 4 5 6; do systemctl --user restart evertoken-agent; done'
same "$(person ada 'evertoken token')" "$token" 'after restarts'

step 'doctor finds nothing that fails'
person ada 'evertoken doctor' > /root/doctor || fail "doctor: $(cat /root/doctor)"

step 'it lingers when ada has gone'
until_true 20 sh -c '[ "$(loginctl --no-legend list-sessions | grep -c ada)" = 0 ]'
same "$(pgrep --uid ada --exact --count evertoken-agent)" 1 'agents of ada'

step 'an agent that runs already hands its logins over to the units'
grep --invert-match --extended-regexp '^(cp|systemctl|sudo loginctl)' /opt/set-up-of-a-person > /opt/without-the-units
grep --extended-regexp '^(mkdir|cp|systemctl|sudo loginctl)' /opt/set-up-of-a-person > /opt/units-alone
person bob 'cd /opt/source; . /opt/without-the-units'
person bob 'evertoken status > /dev/null'
sign_in | person bob "evertoken login --endpoint $ENDPOINT"
token_of_bob=$(person bob 'evertoken token')
by_hand=$(pgrep --uid bob --exact evertoken-agent)
person bob 'cd /opt/source; . /opt/units-alone'
person bob 'systemctl --user is-active --quiet evertoken-agent.service' || fail 'the service does not run'
until_true 10 sh -c "! kill -0 $by_hand 2> /dev/null"
same "$(person bob 'evertoken token')" "$token_of_bob" 'after the hand-over'
same "$(pgrep --uid bob --exact --count evertoken-agent)" 1 'agents of bob'
nothing_was_refused
echo "$token" > /root/token-of-ada
