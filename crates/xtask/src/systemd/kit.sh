# What the scripts share. Every command is written to a trace, of which a failure shows the end.
exec 9> /root/trace
BASH_XTRACEFD=9
set -x

ENDPOINT=http://127.0.0.1:8787/v2.0/reference/gettoken

step() { { echo "  $*"; } 2> /dev/null; }
fail() { echo "  failed: $*" >&2; journalctl --no-pager --quiet --lines=20 >&2; exit 1; }
# The condition holds at last: until_true 10 COMMAND...
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || fail "still not: $*"
        sleep 0.1
    done
}
same() { [ "$1" = "$2" ] || fail "$3: $1 instead of $2"; }
says() { case $1 in *"$2"*) ;; *) fail "\"$2\" is not in: $1" ;; esac; }
sign_in() { curl --silent --fail --request POST http://127.0.0.1:8787/sandbox/sign-in; }
# A token that the server takes.
accepted() {
    curl --silent --fail --output /dev/null --header "Authorization: Bearer $1" http://127.0.0.1:8787/v2.0/user/info \
        || fail "the server does not take the token: $1"
}
# Nobody presented a refresh token twice.
nothing_was_refused() {
    same "$(curl --silent http://127.0.0.1:8787/sandbox/requests | grep -c '"status":4[0-9][0-9]' || :)" 0 'refused requests'
}
# A shell of a person who has logged in to the machine: person NAME SCRIPT.
person() {
    systemd-run --quiet --pipe --wait --uid="$1" --property=PAMName=login --property=WorkingDirectory="/home/$1" \
        --setenv=HOME="/home/$1" /bin/bash -elc "$2"
}
main_pid() { systemctl show --property=MainPID --value evertoken-agent; }
