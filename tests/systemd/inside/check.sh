# Helpers of the scripts that run inside a booted system: one line per check, and a summary
# whose exit code says whether all of them held. Sourced.

export SYSTEMD_PAGER=cat SYSTEMD_COLORS=0 LC_ALL=C.UTF-8
PASSED=0
FAILED=0

# check "a true sentence" command...: the sentence holds when the command succeeds.
check() {
    local sentence=$1 output
    shift
    if output=$("$@" 2>&1); then
        PASSED=$((PASSED + 1))
        echo "ok    $sentence"
        return
    fi
    FAILED=$((FAILED + 1))
    echo "FAIL  $sentence"
    echo "      command: $*"
    [ -z "$output" ] || head -20 <<<"$output" | sed 's/^/      /'
}

# soon SECONDS command...: succeeds as soon as the command does.
soon() {
    local end=$(($(milliseconds) + $1 * 1000))
    shift
    until "$@"; do
        [ "$(milliseconds)" -lt "$end" ] || return 1
        sleep 0.05
    done
}

milliseconds() { echo $(($(date +%s%N) / 1000000)); }
equal() { [ "$1" = "$2" ] || { echo "found '$1', expected '$2'" && return 1; }; }
below() { [ "$1" -lt "$2" ] || { echo "$1 is not below $2" && return 1; }; }
not() { ! "$@"; }

unit() { systemctl show --value -p "$1" runwisp; }
unit_is() { equal "$(unit "$1")" "$2"; }
# As the service's own user: a side file of root's would lock the daemon out.
query() { runuser -u runwisp -- sqlite3 -readonly -cmd '.timeout 5000' /var/lib/runwisp/runwisp.db "$1"; }
query_is() { equal "$(query "$1" 2>&1)" "$2"; }
healthy() { curl -fsS -m 2 -o /dev/null http://127.0.0.1:9477/health; }
journal() { journalctl -u runwisp --no-pager -o cat "$@"; }
journal_has() { journal "${@:2}" | grep -qE -- "$1"; }

finish() {
    if [ $FAILED != 0 ]; then
        echo "--- unit and journal"
        systemctl status --no-pager -l -n 0 runwisp
        journalctl -u runwisp --no-pager -o short-precise | tail -60
    fi
    echo "$PASSED checks passed, $FAILED failed"
    [ $FAILED = 0 ]
}
