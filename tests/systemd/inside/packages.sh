#!/bin/bash
# What Debian's own packages bring along of crontabs and timers, unpacked by dpkg, becomes tasks with
# the ticks that cron and systemd would give them.

. /box/check.sh

names() { grep -oP '^\[(tasks|services)\.\K[^.\]]+(?=\]$)' "$1" | tr '\n' ' '; }
unsure() { grep -c '^# TODO' "$1" || true; }
imported() { runwisp import "$@" 2>/tmp/said >/tmp/page; }
# The instants of 60 ticks from the beginning of 2026, as seconds.
of_systemd() {
    sed -n 's/^OnCalendar=//p' "/lib/systemd/system/$1.timer" | while read -r calendar; do
        systemd-analyze calendar --iterations=60 --base-time='2025-12-31 23:59:59 UTC' "$calendar"
    done | grep -oE '[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} UTC' | date -uf - +%s | sort -nu | head -60
}
of_us() { runwisp next "$1" --count 60 --from 2025-12-31T23:59:59Z "${@:2}" | cut -d' ' -f1 | date -uf - +%s; }
same_ticks() { diff <(of_systemd "$1") <(of_us "$1" --config /tmp/timers.toml); }
every() { seq "$1" "$2" $(($1 + 59 * $2)); } # first step
at() { date -ud "2026-01-$1" +%s; }

tar -xzf /box/runwisp-linux-x64.tar.gz runwisp && install -m 0755 runwisp /usr/local/bin/
check "the packages are there" dpkg --unpack --force-depends /box/*.deb
# Their scripts would start what is not all there; their files of /etc come to their names only then.
find /etc -name '*.dpkg-new' | while read -r file; do mv "$file" "${file%.dpkg-new}"; done
# The machine comes with a link that masks it.
rm -f /etc/systemd/system/e2scrub_all.timer
systemctl daemon-reload

echo "== timers"
timers="anacron certbot e2scrub_all logrotate phpsessionclean sysstat-collect sysstat-summary"
# shellcheck disable=SC2086 # a list of words
check "all are read" imported systemd $(printf '%s.timer ' $timers)
cp /tmp/page /tmp/timers.toml
check "each is a task" equal "$(names /tmp/timers.toml)" "$timers "
check "nothing is left out without a word" equal "$(unsure /tmp/timers.toml)" 1
check "one is not sure" grep -q '^# TODO: TimeoutStopSec=infinity: set graceful_stop$' /tmp/timers.toml
check "they load" runwisp validate --config /tmp/timers.toml
for timer in $timers; do
    check "$timer has the ticks that systemd has" same_ticks "$timer"
done

echo "== crontabs"
check "all of cron.d is read" imported cron /etc/cron.d
cp /tmp/page /tmp/crontabs.toml
check "each line is a task" equal "$(names /tmp/crontabs.toml)" \
    "invoke-rc-d certbot e2scrub_all_cron e2scrub_all sessionclean debian-sa1 debian-sa1-2 "
check "those that do nothing under systemd are named" equal \
    "$(grep -c 'it looks whether systemd runs this machine' /tmp/crontabs.toml)" 5
check "they load" runwisp validate --config /tmp/crontabs.toml
ticks() { diff <(echo "$2") <(of_us "$1" --config "${3:-/tmp/crontabs.toml}"); }
# crontab(5): what stands in the five fields.
check "0 */12 * * *" ticks certbot "$(every "$(at '1 00:00')" 43200)"
check "30 3 * * 0" ticks e2scrub_all_cron "$(every "$(at '4 03:30')" 604800)"
check "10 3 * * *" ticks e2scrub_all "$(every "$(at '1 03:10')" 86400)"
check "09,39 * * * *" ticks sessionclean "$(every "$(at '1 00:09')" 1800)"
check "5-55/10 * * * *" ticks debian-sa1 "$(every "$(at '1 00:05')" 600)"
check "59 23 * * *" ticks debian-sa1-2 "$(every "$(at '1 23:59')" 86400)"
check "/etc/crontab is read" imported cron /etc/crontab
cp /tmp/page /tmp/system.toml
check "each line is a task" equal "$(names /tmp/system.toml)" "cron-hourly cron-daily cron-weekly cron-monthly "
check "17 * * * *" ticks cron-hourly "$(every "$(at '1 00:17')" 3600)" /tmp/system.toml
check "25 6 * * *" ticks cron-daily "$(every "$(at '1 06:25')" 86400)" /tmp/system.toml
check "47 6 * * 7" ticks cron-weekly "$(every "$(at '4 06:47')" 604800)" /tmp/system.toml
daily=$(sed -n 's/^25 6 .* root *//p' /etc/crontab)
check "what lies in cron.daily is left to run-parts" grep -qF "${daily##*|| }" /tmp/system.toml
check "where logrotate, sysstat and popularity-contest are" test -x /etc/cron.daily/logrotate \
    -a -x /etc/cron.daily/sysstat -a -x /etc/cron.daily/popularity-contest
check "/etc/anacrontab is read" imported cron /etc/anacrontab
check "each line is a task" equal "$(names /tmp/page)" "cron-daily cron-weekly cron-monthly "
check "which is caught up" equal "$(grep -c '^catch_up = "latest"$' /tmp/page)" 3

echo "== the commands"
# What a line does in cron's hands and in ours: cron's is /bin/sh -c with its own short environment.
mkdir -p /usr/lib/php && printf '#!/bin/sh\nenv | grep -v ^_= | sort; pwd; id -un\n' >/usr/lib/php/sessionclean
chmod +x /usr/lib/php/sessionclean
line=$(sed -n 's/^09,39 .* root *//p' /etc/cron.d/php)
by_cron() { cd /root && env -i HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin /bin/sh -c "$1"; }
by_us() { runwisp exec sessionclean --config /tmp/crontabs.toml 2>/dev/null | grep -vE '^(RUNWISP_|USER=)'; }
check "php's line does nothing under systemd" equal "$(by_cron "$line")$(by_us)" ""
sed -i 's/\[ ! -d \/run\/systemd\/system \]/true/' /etc/cron.d/php /tmp/crontabs.toml
line=$(sed -n 's/^09,39 .* root *//p' /etc/cron.d/php)
check "without it, its program has the same environment, folder and user" equal "$(by_us)" "$(by_cron "$line")"

echo "== supervisor"
printf '[program:sleeper]\ncommand=/bin/sleep 4713\nautorestart=unexpected\n' >/etc/supervisor/conf.d/sleeper.conf
check "its configuration is read, with what it includes" imported supervisord /etc/supervisor/supervisord.conf
check "the program is a service" equal "$(names /tmp/page)" "sleeper "
check "it loads" runwisp validate --config /tmp/page

finish
