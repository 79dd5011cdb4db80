#!/bin/bash
# What needs a whole machine. One job of three is killed for memory: with oom.conf the daemon and the
# others go on, without it systemd stops them all. And the clock of the machine is set.

. /box/check.sh
. /box/install.sh

DROP_INS=/etc/systemd/system/runwisp.service.d
mkdir -p $DROP_INS
swapoff -a
cat >/etc/runwisp/runwisp.toml <<'TOML'
[tasks.greedy]
cron = "*/3 * * * * *"
on_overlap = "skip"
run = "tail /dev/zero"

[tasks.modest]
run_on_start = true
run = "sleep 4711"

[tasks.realtime]
run_on_start = true
run = "chrt -f 1 true"

[services.web]
run = "exec sleep 4712"
TOML
printf '[Service]\nMemoryMax=120M\nMemorySwapMax=0\nLimitRTPRIO=10\n' >$DROP_INS/limit.conf
cp systemd/runwisp.service.d/oom.conf $DROP_INS/
systemctl daemon-reload
killed() { [ "$(awk '/^oom_kill /{ print $2 }' /sys/fs/cgroup/system.slice/runwisp.service/memory.events)" -ge "$1" ]; }
greedy_failed() { [ "$(query "select count(*) from runs where task_name = 'greedy' and end_reason = 'failed' and exit_code = 137")" -ge "$1" ]; }

check "the unit starts" systemctl start runwisp
check "the daemon answers" soon 30 healthy
check "RestrictRealtime denies a real-time priority" soon 5 query_is \
    "select end_reason from runs where task_name = 'realtime'" failed
check "which the limits would allow" \
    systemd-run -q --wait --pipe --uid=runwisp -p LimitRTPRIO=10 chrt -f 1 true
check "the kernel's settings are read-only to the daemon" \
    grep -qE ' /proc/sys ro[, ]' "/proc/$(unit MainPID)/mountinfo"
check "as they are not to others" not grep -qE ' /proc/sys ro[, ]' /proc/1/mountinfo
daemon=$(unit MainPID)
check "the modest task runs" soon 10 pgrep -x -f "sleep 4711"
others=$(pgrep -x -f "sleep 471[12]")
check "the kernel kills for memory" soon 40 killed 2
check "the greedy task failed with 137, more than once" soon 20 greedy_failed 2
check "the daemon is the same" unit_is MainPID "$daemon"
check "the others are the same" equal "$(pgrep -x -f "sleep 471[12]")" "$others"
check "the daemon answers still" healthy
check "the daemon's own use of memory is small" below "$(awk '/^Rss/{ print $2 }' "/proc/$daemon/smaps_rollup")" 12000

# Each run in a cgroup of its own: what took time and memory is told, even if nobody waited for it.
cp /etc/runwisp/runwisp.toml /tmp/before.toml
cat >/etc/runwisp/runwisp.toml <<'TOML'
[tasks.tree]
run = "setsid timeout 1 sh -c 'while :; do :; done' & setsid sh -c 'head -c 30m /dev/zero | tail -n 1 | wc -c' & sleep 1.5"

[tasks.small]
run = "true"

[services.web]
run = "exec sleep 4712"
TOML
cp systemd/runwisp.service.d/cgroup.conf $DROP_INS/
systemctl daemon-reload
systemctl restart runwisp
usage() { query "select cpu_ms, peak_memory_bytes, duration_ms from runs where task_name = '$1' order by id desc limit 1"; }
between() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }
SLICE=/sys/fs/cgroup/system.slice/runwisp.service
groups() { find $SLICE -maxdepth 1 -name 'run-*' | wc -l; }
for life in first second; do
    check "the daemon answers" soon 30 healthy
    check "it is in a cgroup of its own" grep -qx "$(unit MainPID)" $SLICE/daemon/cgroup.procs
    check "its service in another" soon 10 grep -qx "$(pgrep -x -f 'sleep 4712')" $SLICE/run-*/cgroup.procs
    check "a task with processes of all kinds runs" runwisp run tree --data /var/lib/runwisp
    IFS='|' read -r cpu memory duration <<<"$(usage tree)"
    # The loop alone has a second; nobody has more than all processors.
    check "its time is that of all" between "${cpu:-0}" 500 $((${duration:-0} * $(nproc) + 100))
    check "its memory, too" between "${memory:-0}" 30000000 100000000
    check "a small task runs" runwisp run small --data /var/lib/runwisp
    IFS='|' read -r cpu memory duration <<<"$(usage small)"
    check "it took next to nothing" between "${memory:-0}" 1 3000000
    one_group() { [ "$(groups)" = 1 ]; }
    check "cgroups go with their runs" soon 5 one_group
    old=$(unit MainPID)
    [ $life = second ] || kill -9 "$old"
    [ $life = second ] || check "a daemon that is killed is replaced" soon 20 not unit_is MainPID "$old"
done
check "its unit is found from there" runwisp stop --data /var/lib/runwisp
check "and has stopped" unit_is ActiveState inactive
check "and leaves no cgroup" not test -e $SLICE
rm $DROP_INS/cgroup.conf
cp /tmp/before.toml /etc/runwisp/runwisp.toml
systemctl daemon-reload
systemctl start runwisp
check "without the drop-in all is as before" soon 30 healthy

rm $DROP_INS/oom.conf
systemctl daemon-reload
systemctl restart runwisp
check "without the drop-in systemd stops them all" soon 40 unit_is Result oom-kill
systemctl stop runwisp
systemctl reset-failed runwisp

cat >/etc/runwisp/runwisp.toml <<'TOML'
[tasks.hourly]
cron = "@hourly"
run = "true"
TOML
check "a daemon that may sleep for an hour starts" systemctl start runwisp
check "it answers" soon 30 healthy
date -s '+1 hour' >/dev/null
check "a clock that is set forward wakes it" soon 20 journal_has 'the wall clock jumped forward by='
check "the tick that was jumped over is made up for" soon 20 query_is \
    "select count(*) > 0 from runs where task_name = 'hourly' and end_reason = 'success'" 1
date -s '-1 hour' >/dev/null
check "a clock that is set back wakes it" soon 20 journal_has 'the wall clock jumped back by='
check "no anchor is left in the future" soon 20 query_is \
    "select count(*) from task_state where last_tick_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now')" 0
systemctl stop runwisp
finish
