# "runwisp takeover" from Debian's cron and the way back: each minute has one run of each job,
# whoever runs it. Sourced by service.sh, which starts cron first, so that it has run something by
# then. The waiting is for two turns of the minute: the first after the takeover, and the first
# after cron is back.

start_cron() {
    useradd --create-home crony
    install -d -m 1777 /srv/minutes
    local job='echo $(date +\%s) ${RUNWISP_TASK:+RunWisp:}${RUNWISP_TASK:-cron} $(id -un) >>/srv/minutes'
    printf '* * * * * root %s/system\n@reboot root %s/reboot\n' "$job" "$job" >/etc/cron.d/minutes
    echo "* * * * * $job/spool" >/var/spool/cron/crontabs/crony
    chown crony:crontab /var/spool/cron/crontabs/crony
    chmod 0600 /var/spool/cron/crontabs/crony
    # The machine comes with a link that masks it.
    systemctl unmask -q cron && systemctl enable -q --now cron
}

cron_is() { equal "$(systemctl is-enabled cron) $(systemctl is-active cron)" "$1"; }
ran_last() { tail -n 1 "/srv/minutes/$2" 2>/dev/null | grep -q " $1"; }
nothing_is_left() {
    not test -e $UNIT -o -e $UNIT.d -o -e /etc/runwisp -o -e /var/lib/runwisp
}
once_a_minute() {
    awk '{ minute = int($1 / 60); if (NR > 1 && minute != last + 1) bad = 1; last = minute; print }
        END { exit bad }' "/srv/minutes/$1"
}

take_over() {
    local takeover=(runwisp takeover --allow-skipped-cron-jobs)
    echo "== runwisp takeover: what is in the way"
    install -m 0755 runwisp /usr/local/bin/runwisp
    hash -r
    chmod g+w /etc/cron.d/minutes
    check "a crontab that others can write is in the way" exits 1 "${takeover[@]}" --dry-run
    check "by name" grep -q 'refused: .*/etc/cron.d/minutes.*chmod go-w' /tmp/said
    chmod g-w /etc/cron.d/minutes
    printf '61 * * * * root true\n' >/etc/cron.d/broken
    check "and a line that nobody would run" exits 1 runwisp takeover --yes
    check "with its place" grep -q '/etc/cron.d/broken:1:' /tmp/said
    check "the steps are shown" exits 0 "${takeover[@]}" --dry-run
    check "with the jobs of everybody" grep -qE ' crony +/var/spool/cron/crontabs/crony:1$' /tmp/said
    check "and what becomes of cron" grep -qx 'systemctl mask --now cron.service' /tmp/said
    chmod g+w /usr/local/bin/runwisp
    check "a program that others can write is in the way" exits 1 "${takeover[@]}" --dry-run
    check "by its path" grep -q 'chmod go-w /usr/local/bin/runwisp' /tmp/said
    chmod g-w /usr/local/bin/runwisp
    python3 -c 'import socket, time; s = socket.create_server(("127.0.0.1", 9477)); time.sleep(600)' &
    local squatter=$!
    soon 5 says ':9477 ' ss -ltn
    check "a port that is taken is in the way" exits 1 "${takeover[@]}" --yes
    check "by number" grep -q 'port 9477 .* is already in use' /tmp/said
    kill $squatter && wait $squatter
    check "without a terminal or --yes nothing is done" exits 1 "${takeover[@]}"
    check "nothing was" nothing_is_left
    check "no data and no unit is there after a daemon that does not come up" \
        exits 1 "${takeover[@]}" --yes --binary /bin/false
    check "all is put back" nothing_is_left
    check "cron was not touched" cron_is "enabled active"
    # A daemon that ends with cron.
    printf '#!/bin/bash\nrunwisp "$@" &\nwhile systemctl -q is-active cron; do sleep 0.1; done\nkill $!\nwait\nexit 1\n' \
        >/usr/local/bin/fickle
    chmod 0755 /usr/local/bin/fickle
    check "a daemon that does not take up the jobs is taken back" \
        exits 1 "${takeover[@]}" --yes --binary /usr/local/bin/fickle
    check "all is put back again" nothing_is_left
    check "and cron lives" cron_is "enabled active"

    echo "== runwisp takeover: there and back"
    check "cron ran each job" soon 62 test -s /srv/minutes/system -a -s /srv/minutes/spool
    check "RunWisp takes over" exits 0 "${takeover[@]}" --yes
    sed 's/^/      /' /tmp/said
    check "cron is dead and masked" cron_is "masked inactive"
    check "the daemon is healthy" healthy
    check "as root and without the sandbox" \
        equal "$(unit LoadState):$(unit User):$(unit ProtectSystem)" "loaded::no"
    check "as its status says" says 'cron.service stopped' runwisp service status
    check "again there is nothing to do" says '^Already taken over\.$' "${takeover[@]}" --yes
    check "nor to install" says '^Already installed\.$' runwisp service install --yes
    printf '* * * * * root true\n' >/etc/cron.d/later
    check "RunWisp runs the next minute" soon 65 ran_last RunWisp system
    check "and has seen that crontabs were edited" soon 5 journal_has 'configuration reloaded added=1'
    check "as the user of the crontab" soon 5 ran_last "RunWisp.* crony$" spool
    check "uninstall brings cron back" exits 0 runwisp service uninstall --yes
    check "as it was" cron_is "enabled active"
    check "the service is gone" exits 2 runwisp service status
    check "cron runs the next minute" soon 65 ran_last cron system
    check "with all its jobs" soon 5 ran_last "cron crony$" spool
    check "each minute had one run" once_a_minute system
    check "for each user" once_a_minute spool
    check "and what is due at a boot ran once" equal "$(wc -l </srv/minutes/reboot)" 1
    cat /srv/minutes/system | sed 's/^/      /'
}
