# "As a service of the system" and "Who gets a token" of docs/servers.md.
step 'the programs in /usr/bin and a server that is the sandbox'
install /opt/built/evertoken /opt/built/evertoken-agent /opt/built/evertoken-sandbox /usr/bin/
systemd-run --quiet --unit=sandbox /usr/bin/evertoken-sandbox --expires-in 1h --grace 0
until_true 10 curl --silent --output /dev/null http://127.0.0.1:8787/sandbox/requests
cd /opt/source

step 'the set-up, word for word'
. /opt/page/as-a-service-of-the-system-1
systemctl is-active --quiet evertoken-agent.service || fail 'the service does not run'
same "$(stat --format '%U %a' /run/evertoken/agent.sock)" 'evertoken 600' 'the socket'

step 'a login, with the function of the page'
eval "$(grep '^vault() ' /opt/page/as-a-service-of-the-system-2)"
sign_in > /root/response.json
vault login --endpoint $ENDPOINT < /root/response.json
token=$(vault token)
accepted "$token"
until_true 5 systemctl is-active --quiet evertoken-agent
says "$(systemctl status evertoken-agent)" 'Status: "1 account: 1 valid"'
says "$(journalctl -u evertoken-agent)" 'the agent runs'

step 'a client needs neither a home nor more than the socket'
same "$(sudo -u evertoken env -i EVERTOKEN_SOCKET=/run/evertoken/agent.sock /usr/bin/evertoken token)" "$token" token

step 'doctor finds nothing that fails'
vault doctor > /root/doctor || fail "doctor: $(cat /root/doctor)"
says "$(cat /root/doctor)" '/var/lib/evertoken/config.toml'
says "$(cat /root/doctor)" '/var/lib/evertoken can be written to'

step 'nobody else gets a token, root included, and each is told why'
useradd --create-home --shell /bin/bash app
for other in root app; do
    said=$(sudo -u $other env EVERTOKEN_SOCKET=/run/evertoken/agent.sock /usr/bin/evertoken token 2>&1) && fail "$other: a token"
    says "$said" 'belongs to somebody else'
    says "$said" 'Run this as the user who runs the agent'
done

step 'another service as the same user, and a program of another user by sudo'
{ cat /opt/page/who-gets-a-token-1; echo 'ExecStart=/usr/bin/evertoken token'; } > /etc/systemd/system/app.service
systemctl daemon-reload
systemctl stop evertoken-agent.service evertoken-agent.socket
systemctl start app
until_true 10 sh -c '[ "$(systemctl show --property=ActiveState --value app)" = inactive ]'
says "$(journalctl --unit=app --output=cat)" "$token"
systemctl start evertoken-agent.service
install --mode=755 /opt/page/who-gets-a-token-2 /usr/local/bin/vault-token
install --mode=440 /opt/page/who-gets-a-token-3 /etc/sudoers.d/vault-token
visudo --check --quiet
same "$(sudo -u app sudo -u evertoken /usr/local/bin/vault-token)" "$token" 'by sudo'
sudo -u app sudo --non-interactive -u evertoken /usr/bin/evertoken logout default 2> /dev/null && fail 'more than a token'

step 'killed: the next command is answered, and systemd starts the service again'
systemctl kill --signal=KILL evertoken-agent
same "$(vault token)" "$token" 'after a kill'
systemctl kill --signal=KILL evertoken-agent
until_true 20 systemctl is-active --quiet evertoken-agent
same "$(vault token)" "$token" 'after a kill that nobody answered'

step 'a reload reads config.toml'
before=$(main_pid)
printf '[accounts.other]\nendpoint = "%s"\n' $ENDPOINT | sudo -u evertoken tee --append /var/lib/evertoken/config.toml > /dev/null
systemctl reload evertoken-agent
says "$(vault account list)" other
same "$(main_pid)" "$before" 'the process'

step 'six restarts in a row'
for _ in 1 2 3 4 5 6; do systemctl restart evertoken-agent; done
same "$(vault token default)" "$token" 'after restarts'

step 'an upgrade of the program: the service becomes the new one by itself'
before=$(main_pid)
cp /opt/built/evertoken-agent /usr/bin/evertoken-agent.new
mv /usr/bin/evertoken-agent.new /usr/bin/evertoken-agent
runs_the_new_one() { [ "$(readlink "/proc/$before/exe")" = /usr/bin/evertoken-agent ]; }
until_true 20 runs_the_new_one
same "$(vault token default)" "$token" 'by the new program'
same "$(main_pid)" "$before" 'the process'
vault refresh default > /dev/null
rotated=$(vault token default)
accepted "$rotated"

step 'the key in the clear, as the unit says'
(umask 077; systemd-creds decrypt --name=evertoken-key /etc/credstore.encrypted/evertoken-key /etc/evertoken-key)
mkdir -p /etc/systemd/system/evertoken-agent.service.d
drop_in=/etc/systemd/system/evertoken-agent.service.d/key.conf
directive=$(sed --quiet 's/.*For a key in the clear: \(LoadCredential=[^ ]*\).*/\1/p;s/^# and shown.*\(LoadCredential=[^ ]*\) .*/\1/p' packaging/systemd/system/evertoken-agent.service)
printf '[Service]\nLoadCredentialEncrypted=\n%s\n' "$directive" > $drop_in
systemctl daemon-reload
systemctl restart evertoken-agent
same "$(vault token default)" "$rotated" 'with the key in the clear'

step 'without a key: said, nothing sent, and a reload of the key heals it'
printf '[Service]\nLoadCredentialEncrypted=\n' > $drop_in
systemctl daemon-reload
systemctl restart evertoken-agent
said=$(vault token default 2>&1) && fail 'a token without a key'
says "$said" 'the key of the keychain file is not there'
rm $drop_in
systemctl daemon-reload
systemctl restart evertoken-agent
same "$(vault token default)" "$rotated" 'with the key again'

step 'a configuration that cannot be read is not started over and over'
cp --preserve=all /var/lib/evertoken/config.toml /root/config.toml
echo 'colour = 3' >> /var/lib/evertoken/config.toml
systemctl restart evertoken-agent 2> /dev/null && fail 'it started'
same "$(systemctl show --property=NRestarts --value evertoken-agent)" 0 'starts by itself'
says "$(journalctl -u evertoken-agent --lines=20)" 'colour'
cp --preserve=all /root/config.toml /var/lib/evertoken/config.toml
systemctl reset-failed evertoken-agent
systemctl start evertoken-agent.socket evertoken-agent.service
same "$(vault token default)" "$rotated" 'with the file mended'
nothing_was_refused
echo "$rotated" > /root/token-of-the-service
