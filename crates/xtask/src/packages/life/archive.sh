# The tar.gz in a home folder, without root.
useradd --create-home --shell /bin/bash bob
step 'installed, used, installed over, uninstalled'
person bob 'tar --extract --file /opt/packages/evertoken-*.tar.gz && evertoken-*/install.sh' > /root/said
says "$(cat /root/said)" 'Begin with: evertoken login'
says "$(person bob '.local/bin/evertoken doctor' || :)" 'Installed from the tar.gz (/home/bob/.local/bin/evertoken)'
person bob 'grep --quiet ^ExecStart=/home/bob/.local/bin/evertoken-agent .local/share/systemd/user/evertoken-agent.service'
person bob 'grep --quiet ^Exec=/home/bob/.local/bin/evertoken-desktop .local/share/applications/evertoken.desktop'
person bob 'systemctl --user daemon-reload; systemctl --user cat evertoken-agent.service > /dev/null'
before=$(pgrep --uid bob --exact evertoken-agent)
person bob 'evertoken-*/install.sh' > /dev/null
replaced() { [ "$(stat --dereference --format %i "/proc/$before/exe")" = "$(stat --format %i /home/bob/.local/bin/evertoken-agent)" ]; }
until_true 30 replaced
person bob '.local/bin/evertoken agent stop; evertoken-*/install.sh --uninstall' > /dev/null
[ -z "$(find /home/bob/.local/bin /home/bob/.local/share -type f)" ] || fail "left: $(find /home/bob/.local -type f)"

step 'installed by a root who keeps files private: everybody can use it'
(umask 077; mkdir /root/tar; tar --extract --file /opt/packages/evertoken-*.tar.gz --directory /root/tar
    /root/tar/evertoken-*/install.sh --prefix /usr/local > /dev/null)
unreadable=$(find /usr/local -type f -not -perm -444 -o -type d -not -perm -555)
[ -z "$unreadable" ] || fail "not for everybody: $unreadable"
says "$(person bob '/usr/local/bin/evertoken --version')" 'evertoken 0.1.0 ('
/root/tar/evertoken-*/install.sh --prefix /usr/local --uninstall > /dev/null
left=$(find /usr/local -name '*evertoken*')
[ -z "$left" ] || fail "left: $left"
