# What the package made goes, and what people made stays.
export DEBIAN_FRONTEND=noninteractive
agent() { pgrep --exact evertoken-agent; }

step 'removed'
person ada 'evertoken agent stop' > /dev/null
apt-get remove --yes --quiet=2 evertoken evertoken-desktop evertoken-sandbox > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"
agent > /dev/null && fail 'an agent runs without its program'
[ -z "$(find /usr -name '*evertoken*')" ] || fail "left: $(find /usr -name '*evertoken*')"
[ -e /etc/xdg/autostart/evertoken-agent.desktop ] || fail 'a configuration file went too early'
[ -e /home/ada/.config/evertoken/config.toml ] || fail 'the configuration of ada is gone'

step 'purged'
apt-get purge --yes --quiet=2 evertoken evertoken-desktop > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"
left=$(find /etc -name '*evertoken*' -not -path '/etc/credstore.encrypted/*')
[ -z "$left" ] || fail "left: $left"
[ -e /var/lib/evertoken/config.toml ] || fail "the service's login is gone"
[ -e /home/ada/.config/evertoken/config.toml ] || fail 'the configuration of ada is gone'
getent passwd evertoken > /dev/null || fail 'the owner of /var/lib/evertoken is gone'

step 'installed again: the login is there'
apt-get install --yes --quiet=2 --no-install-recommends /opt/packages/evertoken_*.deb > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"
same "$(person ada 'evertoken token')" "$(cat /root/token-of-ada)" 'after a new installation'

step 'purged with nothing of the service: its user goes too'
person ada 'evertoken agent stop' > /dev/null
rm -r /var/lib/evertoken
apt-get purge --yes --quiet=2 evertoken > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"
getent passwd evertoken > /dev/null && fail 'the user of the service stays'
nothing_was_refused
