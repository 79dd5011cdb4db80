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
