#!/bin/bash
# The unit under a real systemd: installed as the manual says, started, watched, killed, stopped,
# restarted and broken.

. /box/check.sh
. /box/install.sh

DROP_INS=/etc/systemd/system/runwisp.service.d
mkdir -p $DROP_INS
if [ -n "${HARDENED:-}" ]; then
    cp systemd/runwisp.service.d/hardening.conf $DROP_INS/
    systemctl daemon-reload
fi

config() { install -m 0640 -o root -g runwisp "$1" /etc/runwisp/runwisp.toml; }
drop_in() { cat >"$DROP_INS/$1.conf" && systemctl daemon-reload; }
no_drop_in() { rm "$DROP_INS/$1.conf" && systemctl daemon-reload; }
ended() { [ "$(query "select count(*) from runs where task_name = '$1' and status = 'ended'")" -ge "${2:-1}" ]; }
long_runs() { [ "$(pgrep -cx -u runwisp -f "sleep 4711")" = "$1" ]; }
all_running() { long_runs 1 && [ "$(pgrep -cx -u runwisp -f "sleep 4712")" = 2 ]; }
strangers() { # Processes of the service user that the current daemon did not start.
    pgrep -u runwisp | while read -r pid; do
        [ "$pid" = "$(unit MainPID)" ] || [ "$(ps -o ppid= -p "$pid" | tr -d ' ')" = "$(unit MainPID)" ] ||
            [ "$(ps -o pgid= -p "$pid" | tr -d ' ')" != "$pid" ] || ps -o pid=,args= -p "$pid"
    done
}

section() { # Starts by hand count against the start limit of systemd; each section begins anew.
    echo "== $1"
    systemctl reset-failed runwisp 2>/dev/null || true
}

section "the configuration that init wrote"
check "the unit can be enabled and started" systemctl enable --now runwisp
check "runwisp status answers within a moment" soon 3 runwisp status
check "status works for any user in any directory" sudo -u nobody bash -c 'cd / && runwisp status'
check "the password file is the owner's alone" equal "$(stat -c '%a %U %s' /var/lib/runwisp/password)" "600 runwisp 23"
check "the journal says where the password is" journal_has password
check "the journal does not hold the password" not journal_has "$(cat /var/lib/runwisp/password)"
check "the database is the owner's alone" equal "$(stat -c '%a %U' /var/lib/runwisp/runwisp.db)" "600 runwisp"
check "the mode of the data directory stays" equal "$(stat -c %a /var/lib/runwisp)" 750
check "systemctl stop ends an idle daemon at once" timeout 2 systemctl stop runwisp
check "the unit ended well" unit_is Result success
check "the pid file is gone" not test -e /var/lib/runwisp/daemon.pid

section "every directive of the sandbox, seen by a task and without it"
install -d -o runwisp -g runwisp /srv/elsewhere /etc/own /usr/own /etc/runwisp/own
mkdir -p /home/owner /usr/lib/modules/own && chmod 755 /home/owner /usr/lib/modules
touch /home/owner/file /usr/lib/modules/own/module /dev/of-the-host /tmp/of-the-host
install -m 4755 /usr/bin/id /usr/local/bin/suid-id
config /box/runwisp.toml
check "the unit starts" systemctl start runwisp
check "all tasks and services of the start are running" soon 5 all_running
check "the probing task ends" soon 10 ended probe
cat /var/lib/runwisp/logs/probe/*.log >/tmp/sandboxed
systemd-run -q --wait --pipe --uid=runwisp bash /box/probe.sh </dev/null >/tmp/control
while read -r verdict what; do
    case $what in
    *"use /dev/null"* | *"read the conf"* | *"data directory"* | *"write to /tmp"*) wanted=allowed ;;
    *) wanted=denied ;;
    esac
    check "inside the sandbox $wanted: $what" equal "$verdict" $wanted
done </tmp/sandboxed
check "the probe tried everything" equal "$(wc -l </tmp/sandboxed)" 15
while read -r verdict what; do
    check "outside of it allowed: $what" equal "$verdict" allowed
done </tmp/control
for property in NoNewPrivileges:yes ProtectSystem:strict ProtectHome:yes PrivateTmp:yes \
    PrivateDevices:yes ProtectKernelTunables:yes ProtectKernelModules:yes ProtectControlGroups:yes \
    RestrictSUIDSGID:yes LockPersonality:yes RestrictRealtime:yes \
    ReadWritePaths:/var/lib/runwisp ReadOnlyPaths:/etc/runwisp KillSignal:15 \
    TimeoutStopUSec:10s RestartUSec:2s Restart:on-failure Type:simple User:runwisp Group:runwisp; do
    check "systemd applies ${property/:/=}" unit_is "${property%%:*}" "${property#*:}"
done
check "the control groups are read-only to the daemon" \
    grep -qE ' /sys/fs/cgroup ro[, ]' "/proc/$(unit MainPID)/mountinfo"
check "the kernel's settings are read-only to the daemon" \
    grep -qE ' /proc/sys ro[, ]' "/proc/$(unit MainPID)/mountinfo"
check "a task sees nothing of the daemon's own environment" \
    not grep -qE '^(NOTIFY_SOCKET|JOURNAL_STREAM|RUNWISP_PASSWORD)=' /var/lib/runwisp/logs/environment/*.log
check "a task knows its name" grep -qx RUNWISP_TASK=environment /var/lib/runwisp/logs/environment/*.log
check "the kernel takes a task before the daemon" equal "$(tail -n 1 /var/lib/runwisp/logs/environment/*.log)" \
    "$(($(cat "/proc/$(unit MainPID)/oom_score_adj") + 200))"

section "tasks and journal"
check "the good task succeeds" soon 5 ended good 2
check "the bad task ends with its own exit code" query_is \
    "select distinct end_reason, exit_code from runs where task_name = 'bad' and status = 'ended'" "failed|3"
check "a task that writes elsewhere fails" query_is \
    "select distinct end_reason from runs where task_name = 'elsewhere' and status = 'ended'" failed
check "its log says why" grep -rq 'Read-only file system' /var/lib/runwisp/logs/elsewhere
check "nothing was written elsewhere" not test -e /srv/elsewhere/out
check "journalctl -p warning shows the failed run" journal_has '^run failed task=bad run=[0-9A-Z]{26} exit=3 reason=failed dur=' -p warning
check "journalctl -p warning does not show the good one" not journal_has task=good -p warning
check "journalctl shows the good one at info" journal_has '^run succeeded task=good run=[0-9A-Z]{26} exit=0 dur=' -p 6..6
check "no line of the journal carries a bare priority prefix" not journal_has '^<[0-9]>'
check "the output of tasks stays out of the journal" not journal_has '^(fine|no)$'

section "reload"
cp systemd/runwisp.service.d/reload.conf $DROP_INS/
systemctl daemon-reload
old=$(unit MainPID)
before=$(pgrep -x -u runwisp -f "sleep 471[12]")
{ cat /box/runwisp.toml && printf '\n[tasks.added]\nrun = "true"\n'; } >/tmp/added.toml
config /tmp/added.toml
check "systemctl reload succeeds" systemctl reload runwisp
check "the journal says what is different" soon 5 \
    journal_has '^configuration reloaded added=1 changed=0 removed=0$' -p info..info
check "the new task runs" runwisp run added --data /var/lib/runwisp
since=$(date +'%F %T')
printf '[tasks.x]\ncron = "61 * * * *"\nrnu = "true"\n' >/tmp/broken.toml
config /tmp/broken.toml
check "a file that is wrong can be reloaded, too" systemctl reload runwisp
check "the journal names each error, at priority err" soon 5 \
    journal_has '^reload rejected: .*tasks.x.cron: ' -p err --since "$since"
check "and nothing has changed" runwisp run added --data /var/lib/runwisp
config /box/runwisp.toml
check "the old file is as good as a new one" systemctl reload runwisp
check "and takes the task away" soon 5 journal_has '^configuration reloaded added=0 changed=0 removed=1$'
check "the daemon is the same" unit_is MainPID "$old"
check "and so is all that runs" equal "$(pgrep -x -u runwisp -f "sleep 471[12]")" "$before"
printf '[Service]\nReadWritePaths=/srv/elsewhere\n' | drop_in write-paths
check "the drop-in for other directories is accepted" systemctl restart runwisp
check "with it the task may write there" soon 5 test -s /srv/elsewhere/out
no_drop_in write-paths

section "kill -9"
systemctl restart runwisp
check "the tasks of the start are running" soon 5 all_running
old=$(unit MainPID)
in_flight=$(query "select id from runs where task_name = 'long' and status = 'running'")
killed_at=$(milliseconds)
kill -9 "$old"
replaced() { [ "$(unit MainPID)" != "$old" ] && [ "$(unit MainPID)" != 0 ] && healthy; }
check "a new daemon answers" soon 6 replaced
check "within RestartSec and a second" below $(($(milliseconds) - killed_at)) 3000
check "the run in flight is crashed" query_is \
    "select status, end_reason, exit_code from runs where id = '$in_flight'" "ended|crashed|-2"
check "exactly the runs of the new start are running" soon 5 all_running
check "no process of the old daemon is left" equal "$(strangers)" ""
check "no row claims to run without a process" query_is \
    "select count(*) from runs where status = 'running' and task_name in ('long', 'web')" 3

section "stop and restart with runs in flight"
for mode in control-group mixed; do
    printf '[Service]\nKillMode=%s\n' $mode | drop_in kill-mode
    systemctl restart runwisp
    check "KillMode=$mode: the tasks of the start are running" soon 5 all_running
    in_flight=$(query "select group_concat(id, ''',''') from runs where task_name in ('long', 'web') and status = 'running'")
    stopped_at=$(milliseconds)
    check "KillMode=$mode: systemctl stop succeeds" systemctl stop runwisp
    check "KillMode=$mode: in less than 4 s" below $(($(milliseconds) - stopped_at)) 4000
    check "KillMode=$mode: the unit ended well" unit_is Result success
    check "KillMode=$mode: the runs in flight are stopped" query_is \
        "select distinct status, end_reason, exit_code from runs where id in ('$in_flight')" "ended|stopped|143"
    check "KillMode=$mode: none failed" query_is \
        "select count(*) from runs where task_name in ('long', 'web') and end_reason = 'failed'" 0
    check "KillMode=$mode: nothing is left behind" not pgrep -u runwisp
    check "KillMode=$mode: the journal names the signal" journal_has SIGTERM
done
no_drop_in kill-mode
systemctl start runwisp
check "the unit starts again" soon 5 all_running
old=$(unit MainPID)
restarted_at=$(milliseconds)
check "systemctl restart succeeds" systemctl restart runwisp
check "and is quick" below $(($(milliseconds) - restarted_at)) 4000
check "another daemon answers" soon 3 replaced
check "restarting on purpose counts as no failure" unit_is NRestarts 0

section "the health gate"
printf '[Service]\nExecStartPost=/bin/bash -c "until /usr/local/bin/runwisp status; do sleep 1; done"\n' | drop_in gate
cat >/etc/systemd/system/dependent.service <<'UNIT'
[Unit]
Requires=runwisp.service
After=runwisp.service
[Service]
Type=oneshot
ExecStart=/usr/bin/curl -fsS http://127.0.0.1:9477/health
UNIT
systemctl daemon-reload
systemctl stop runwisp
check "a unit that needs the daemon finds it healthy" systemctl start dependent
check "the gate ran in the sandbox" journal_has 'RunWisp is healthy'
no_drop_in gate

section "a long time to stop"
{ printf '[daemon]\nshutdown_timeout = "10s"\n' && cat /box/runwisp.toml; } >/tmp/patient.toml
config /tmp/patient.toml
systemctl restart runwisp
check "the daemon says that the unit is less patient" soon 10 \
    journal_has '^systemd kills runwisp.service after TimeoutStopSec=10s, before .*\(10s\) is over' -p warning
systemctl stop runwisp
printf '[Service]\nTimeoutStopSec=1min 30s\n' | drop_in patience
systemctl start runwisp
check "a unit that is more patient is fine" soon 10 healthy
check "and nothing is said" not journal_has '^systemd kills' "_PID=$(unit MainPID)"
systemctl stop runwisp
no_drop_in patience
config /box/runwisp.toml

section "Type=notify"
systemctl stop runwisp
printf '[Service]\nType=notify\nTimeoutStartSec=10s\n' | drop_in notify
check "systemctl start returns" systemctl start runwisp
check "when the daemon is ready" healthy
check "systemctl stop returns" systemctl stop runwisp
check "and the unit ended well" unit_is Result success
no_drop_in notify

section "a broken configuration"
listing() { find /var/lib/runwisp -printf '%p %s %T@\n' | sort; }
config /tmp/broken.toml
before=$(listing)
since=$(date +'%F %T')
# Type=simple: the start succeeds as soon as the process exists.
systemctl start runwisp || true
opened=no
until_retried() { if healthy; then opened=yes; fi; [ "$(unit NRestarts)" -ge 2 ]; }
check "the unit is tried again" soon 10 until_retried
check "with RestartSec between" soon 3 unit_is SubState auto-restart
check "the unit is neither up nor down" unit_is ActiveState activating
check "its result names the exit code" unit_is Result exit-code
check "which is 1" unit_is ExecMainStatus 1
check "the port was never open" equal $opened no
check "the data directory was not touched" equal "$(listing)" "$before"
check "the journal has the error with its line, at priority err" \
    journal_has '^/etc/runwisp/runwisp.toml:2:[0-9]+: tasks.x.cron: ' -p err --since "$since"
check "and all errors of the file" journal_has 'tasks.x.*rnu' -p err --since "$since"
check "and their number" journal_has '^configuration invalid: [23] error' -p err --since "$since"
config /box/runwisp.toml
check "a repaired file is enough" soon 5 healthy
systemctl stop runwisp

section "a data directory that is missing, or somebody else's"
mv /var/lib/runwisp /var/lib/aside
systemctl start runwisp || true
check "a missing data directory is systemd's own error" soon 5 unit_is ExecMainStatus 226
section "the same, there but another owner's"
install -d -o root -g root -m 0755 /var/lib/runwisp
check "somebody else's is refused" soon 8 journal_has '/var/lib/runwisp (belongs to root|.*not writable)' -p err
check "and left empty" equal "$(ls -A /var/lib/runwisp)" ""
systemctl stop runwisp
rmdir /var/lib/runwisp && mv /var/lib/aside /var/lib/runwisp
systemctl start runwisp
check "back with its own, the daemon starts" soon 5 healthy
systemctl stop runwisp

finish
