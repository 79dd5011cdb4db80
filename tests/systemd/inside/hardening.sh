#!/bin/bash
# The shipped unit with hardening.conf: how exposed it is, that each directive works and that
# nothing else would have done it, that ordinary programs run in tasks, and that the daemon can do
# all that it can do without.

. /box/check.sh
. /box/install.sh

DROP_INS=/etc/systemd/system/runwisp.service.d
DATA=/var/lib/runwisp
SOCKET=$DATA/runwisp.sock
HARDENING=systemd/runwisp.service.d/hardening.conf
mkdir -p $DROP_INS /srv/backups
chown runwisp:runwisp /srv/backups

# In tenths, such as 15.
exposure() { systemd-analyze security --no-pager runwisp.service 2>/dev/null | sed -n 's/^.*exposure level for [^:]*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'; }
ended() { [ "$(query "select count(*) from runs where task_name = '$1' and status = 'ended'")" -ge "${2:-1}" ]; }
end_of() { query "select end_reason || ' ' || exit_code from runs where task_name = '$1' and status = 'ended' order by id desc limit 1"; }
running() { query "select count(*) from runs where task_name = '$1' and status = 'running'"; }
has_figures() { api /api/system | grep -qE '"mem_used":[1-9]'; }
runs() { [ "$(running "$1")" = "$2" ]; }
api() { curl -fsS -m 5 --unix-socket $SOCKET "http://localhost$1" "${@:2}"; }

record_host() { # For those who cannot look at process 1.
    local kind
    systemd-run -q --wait --pipe --uid=runwisp awk '/^Seccomp_filters/ { print $2 }' \
        /proc/self/status </dev/null >/usr/local/share/of-the-host-filters
    for kind in uts mnt ipc; do readlink "/proc/1/ns/$kind" >"/usr/local/share/of-the-host-$kind"; done
}
make_foreign_program() { # The smallest program of 32 bits: exit(0) by int 0x80.
    perl -e 'print pack "H*", "7f454c4601010100" . "00" x 8 . "0200030001000000" .
        "54800408" . "34000000" . "00" x 8 . "340020000100" . "00" x 6 .
        "0100000000000000" . "0080040800800408" . "60000000600000000500000000100000" .
        "31dbb801000000cd80f4" . "00" x 2' >/usr/local/bin/foreign
    chmod 755 /usr/local/bin/foreign
}

echo "== exposure"
without=$(exposure)
cp $HARDENING $DROP_INS/
cp systemd/runwisp.service.d/write-paths.conf systemd/runwisp.service.d/oom.conf $DROP_INS/
systemctl daemon-reload
with=$(exposure)
echo "      exposure in tenths: $without without hardening.conf, $with with it"
check "the unit alone is more exposed" not below "$without" 50
check "with hardening.conf the exposure is 3.5 at most" below "$with" 36
check "systemd-analyze has nothing to say about the unit and its drop-ins" \
    equal "$(systemd-analyze verify /etc/systemd/system/runwisp.service 2>&1)" ""
for property in CapabilityBoundingSet: SystemCallErrorNumber:1 SystemCallArchitectures:native \
    RestrictNamespaces:yes ProtectClock:yes ProtectHostname:yes ProtectKernelLogs:yes \
    ProtectProc:invisible PrivateMounts:yes PrivateIPC:yes; do
    check "systemd applies ${property/:/=}" unit_is "${property%%:*}" "${property#*:}"
done

echo "== each directive, and the same without it"
make_foreign_program
record_host
alone() { systemd-run -q --wait --pipe --uid=runwisp "${@:2}" bash /box/probe_hardened.sh "$1" </dev/null; }
while IFS='|' read -r probe directive; do
    check "alone $directive denies: $probe" equal "$(alone "$probe" -p "$directive")" "denied $probe"
    check "without it allowed: $probe" equal "$(alone "$probe")" "allowed $probe"
done <<'TABLE'
capabilities|CapabilityBoundingSet=
trace|SystemCallFilter=@system-service
foreign|SystemCallArchitectures=native
namespace|RestrictNamespaces=true
family|RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
clock|ProtectClock=true
hostname|ProtectHostname=true
kernel-log|ProtectKernelLogs=true
processes|ProtectProc=invisible
mounts|PrivateMounts=true
ipc|PrivateIPC=true
TABLE
check "what is forbidden is refused and kills nothing" equal \
    "$(systemd-run -q --wait --pipe --uid=runwisp -p SystemCallFilter=@system-service \
        -p SystemCallErrorNumber=EPERM perl -e 'syscall(101, 0, 0, 0, 0); print int($!)' </dev/null)" 1

echo "== tasks"
install -m 0600 -o root -g root /dev/stdin /etc/runwisp/password <<<'a password of our own'
printf '[Service]\nLoadCredential=runwisp.password:/etc/runwisp/password\n' >$DROP_INS/password.conf
printf '[Service]\nType=notify\nTimeoutStartSec=20s\n' >$DROP_INS/zz-notify.conf
systemctl daemon-reload
install -m 0640 -o root -g runwisp /box/hardened.toml /etc/runwisp/runwisp.toml
check "the unit starts, and says when it is ready" timeout 20 systemctl start runwisp
check "the daemon answers" healthy
programs=$(sed -n 's/^\[tasks\.\(can-[a-z0-9-]*\)\]$/\1/p' /box/hardened.toml)
for program in $programs; do
    soon 30 ended "$program" || true
    check "a task $program" equal "$(end_of "$program")" "success 0"
    [ "$(end_of "$program")" = "success 0" ] || tail -n 5 $DATA/logs/"$program"/*.log
done
check "what a task made for others can be read by them" equal "$(stat -c %a /srv/backups/copy/file)" 644
check "the probing task ended" soon 10 ended probe
cat $DATA/logs/probe/*.log >/tmp/hardened
check "it tried everything" equal "$(grep -c . /tmp/hardened)" 11
check "and was denied all of it" not grep -v '^denied ' /tmp/hardened

echo "== the daemon"
check "two replicas of the service run" soon 10 runs web 2
victim=$(pgrep -x -u runwisp -f 'sleep 4712' | head -1)
kill -9 "$victim"
revived() { runs web 2 && ! kill -0 "$victim" 2>/dev/null && [ "$(pgrep -cx -u runwisp -f 'sleep 4712')" = 2 ]; }
check "one that is killed is replaced" soon 10 revived
check "a task that is too slow is stopped" soon 15 ended slow
check "for that reason" equal "$(end_of slow)" "timeout 143"
check "a task with a process that ignores SIGTERM is started by hand" \
    api /api/tasks/stubborn/run -X POST
check "and runs" soon 5 pgrep -x -u runwisp -f 'sleep 4713'
check "and is stopped" runwisp stop stubborn --data $DATA
check "whole" soon 10 not pgrep -x -u runwisp -f 'sleep 4713'
check "root lists tasks over the control socket" grep -q can-sh <(runwisp list --data $DATA)
check "so does the user of the daemon" grep -q can-sh <(sudo -u runwisp runwisp list --config /etc/runwisp/runwisp.toml --data $DATA)
check "and nobody else" not sudo -u nobody curl -fsS --unix-socket $SOCKET http://localhost/api/tasks
check "anybody asks for the status" sudo -u nobody bash -c 'cd / && runwisp status'
run=$(query "select id from runs where task_name = 'can-sh' order by id desc limit 1")
check "a log can be downloaded" equal "$(api "/api/tasks/can-sh/runs/$run/log/raw")" "sh says hello"
check "and shown" grep -q 'sh says hello' <(runwisp logs "$run" --data $DATA)
check "the figures of the host are there" soon 10 has_figures
nonce=$(curl -s http://127.0.0.1:9477/api/auth/challenge | sed 's/.*"nonce":"\([0-9a-f]*\)".*/\1/')
response=$(printf '%s:%s' 'a password of our own' "$nonce" | sha256sum | cut -d' ' -f1)
check "the password of the credential logs in" curl -fsS -o /dev/null http://127.0.0.1:9477/api/auth \
    -H 'Content-Type: application/json' -d "{\"nonce\":\"$nonce\",\"response\":\"$response\"}"
check "and was not stored" not test -e $DATA/password
check "the journal has priorities" journal_has '^run failed task=fails ' -p warning..warning
check "and names the runs that went well" journal_has '^run succeeded task=can-sh ' -p info..info
check "SIGHUP is taken" systemctl kill -s HUP --kill-who=main runwisp
check "and reads the configuration again" soon 5 journal_has '^configuration reloaded added=0 changed=0 removed=0$'
check "the daemon still answers" healthy
old=$(unit MainPID)
kill -9 "$old"
replaced() { [ "$(unit MainPID)" != "$old" ] && [ "$(unit MainPID)" != 0 ] && healthy; }
check "a daemon that is killed is replaced" soon 10 replaced
check "its runs are crashed" not equal "$(query "select count(*) from runs where end_reason = 'crashed'")" 0
check "its service runs again" soon 10 runs web 2
check "the unit stops" timeout 8 systemctl stop runwisp
check "well" unit_is Result success
check "nothing is left behind" not pgrep -u runwisp

finish
