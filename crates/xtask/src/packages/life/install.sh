# From nothing to a login: the version before this one.
export DEBIAN_FRONTEND=noninteractive
install_debs() { apt-get install --yes --quiet=2 --no-install-recommends --allow-downgrades "$@" > /root/apt 2>&1 || fail "apt: $(cat /root/apt)"; }

step 'apt takes the packages'
install_debs /opt/earlier/evertoken_*.deb /opt/earlier/evertoken-desktop_*.deb /opt/earlier/evertoken-sandbox_*.deb
says "$(evertoken --version)" 'evertoken 0.1.0 ('
says "$(dpkg-query --show --showformat '${Version}' evertoken)" 0.0.9
getent passwd evertoken > /dev/null || fail 'no user of the service'
systemctl cat evertoken-agent.service evertoken-agent.socket > /dev/null
systemctl is-enabled --quiet evertoken-agent.service && fail 'a service that nobody asked for'
for page in man8/evertoken-agent.8 man1/evertoken-desktop.1 man1/evertoken-sandbox.1; do
    program=$(basename "${page%.*}")
    page=$(zcat "/usr/share/man/$page.gz" | sed 's/\\-/-/g')
    options=$("$program" --help 2>&1 | sed '/no argument/d' | grep -o -- '--[a-z][a-z-]*' | sort --unique)
    for option in $options; do says "$page" "$option"; done
done
for page in /usr/share/man/man1/evertoken*.gz; do zcat "$page" | grep --quiet '^\.SH NAME' || fail "$page"; done
bash -c '. /usr/share/bash-completion/completions/evertoken; complete -p evertoken' > /dev/null

step 'a server that is the sandbox'
systemd-run --quiet --unit=sandbox /usr/bin/evertoken-sandbox --expires-in 1h --grace 0
until_true 10 curl --silent --output /dev/null http://127.0.0.1:8787/sandbox/requests

step 'a fresh user, a keyring, a login and a token'
useradd --create-home --shell /bin/bash ada
loginctl enable-linger ada
until_true 20 test -S /run/user/$(id --user ada)/bus
person ada 'printf secret | gnome-keyring-daemon --unlock --components=secrets > /dev/null'
sign_in | person ada "evertoken login --endpoint $ENDPOINT"
token=$(person ada 'evertoken token')
accepted "$token"
echo "$token" > /root/token-of-ada
says "$(person ada 'evertoken doctor' || :)" 'Installed from the Debian package (/usr/bin/evertoken)'

step 'a service of the system'
mkdir -p /etc/credstore.encrypted
head -c 32 /dev/urandom | systemd-creds encrypt --name=evertoken-key - /etc/credstore.encrypted/evertoken-key
install -d -o evertoken -g evertoken -m 700 /var/lib/evertoken
printf 'version = 1\n[settings]\nkeychain = "file"\n' |
    install -o evertoken -g evertoken -m 600 /dev/stdin /var/lib/evertoken/config.toml
systemctl enable --quiet --now evertoken-agent.socket evertoken-agent.service
vault() { sudo -u evertoken env EVERTOKEN_SOCKET=/run/evertoken/agent.sock /usr/bin/evertoken "$@"; }
sign_in | vault login --endpoint $ENDPOINT
vault token > /root/token-of-the-service
