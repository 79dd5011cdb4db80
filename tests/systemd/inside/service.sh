#!/bin/bash
# "runwisp service", the Debian package and "runwisp takeover" under a real systemd: installed,
# changed, upgraded, removed. Each part leaves the machine as it found it.

. /box/check.sh
. /box/takeover.sh

cd "$(mktemp -d)"
tar -xzf /box/runwisp-linux-x64.tar.gz
install -m 0755 runwisp /usr/local/bin/runwisp
UNIT=/etc/systemd/system/runwisp.service
says() { grep -qE -- "$1" <("${@:2}" 2>&1); }
exits() { # exits CODE command...
    local code=0
    "${@:2}" >/tmp/said 2>&1 || code=$?
    equal $code "$1" || { cat /tmp/said && return 1; }
}
main_pid() { unit MainPID; }
start_cron

echo "== runwisp service install"
check "nothing is installed" exits 2 runwisp service status
check "an ordinary user is sent to sudo" says 'needs root: use sudo' runuser -u nobody -- runwisp service install
runwisp service install --dry-run >/tmp/steps
check "a dry run says every step" equal "$(grep -cE '^(useradd|install|write|chown|systemctl) ' /tmp/steps)" 11
check "and does none" not test -e $UNIT -o -e /etc/runwisp -o -e /var/lib/runwisp
check "the service is installed and comes up" exits 0 runwisp service install
check "with the steps of the dry run" equal "$(head -11 /tmp/said)" "$(cat /tmp/steps)"
check "the daemon is healthy" healthy
check "the unit is active" unit_is ActiveState active
check "and starts with the machine" unit_is UnitFileState enabled
check "as the user runwisp" unit_is User runwisp
check "with the sandbox" unit_is ProtectSystem strict
check "one job that is killed for memory does not end the others" unit_is OOMPolicy continue
check "systemctl reload is there" says '/bin/kill' systemctl show -p ExecReload runwisp
check "systemd-analyze has nothing to say about it" equal "$(systemd-analyze verify $UNIT 2>&1)" ""
check "the configuration is root's" equal "$(stat -c '%a %U %G' /etc/runwisp/runwisp.toml)" "640 root runwisp"
check "its directory too" equal "$(stat -c '%a %U %G' /etc/runwisp)" "750 root runwisp"
check "the data is the daemon's" equal "$(stat -c '%a %U %G' /var/lib/runwisp)" "750 runwisp runwisp"
check "the status is good" exits 0 runwisp service status
check "for any user" exits 0 runuser -u nobody -- runwisp service status
check "again there is nothing to do" says '^Already installed\.$' runwisp service install
check "runwisp restart goes through systemctl" says '^restarted runwisp.service$' runwisp restart --when-idle
check "the daemon comes back" soon 5 healthy

echo "== drift"
sed -i 's/^RestartSec=2s/RestartSec=7s/' $UNIT
check "an edited unit is not well" exits 1 runwisp service status
check "the status says why" grep -q 'edited since' /tmp/said
check "without a terminal or --yes nothing is updated" exits 1 runwisp service install
check "but shown" grep -qx -- '-RestartSec=7s' /tmp/said
check "the unit is as it was" grep -qx RestartSec=7s $UNIT
old=$(main_pid)
check "--yes updates it" exits 0 runwisp service install --yes
check "the unit is the written one" grep -qx RestartSec=2s $UNIT
check "and the daemon another" not equal "$(main_pid)" "$old"
cp /usr/local/bin/runwisp /usr/local/bin/runwisp-new && echo >>/usr/local/bin/runwisp-new
mv /usr/local/bin/runwisp-new /usr/local/bin/runwisp
check "another program is noticed" exits 1 runwisp service status
check "and taken over" exits 0 runwisp service install --yes
check "all is well again" exits 0 runwisp service status
chmod g+w /etc/runwisp/runwisp.toml
sed -i 's/^RestartSec=2s/RestartSec=7s/' $UNIT
check "a configuration that others write is refused" exits 1 runwisp service install --yes
check "by name" grep -q 'chmod go-w /etc/runwisp/runwisp.toml' /tmp/said
chmod g-w /etc/runwisp/runwisp.toml
printf '[tasks.x]\nrnu = "true"\n' >/tmp/broken
cp /etc/runwisp/runwisp.toml /tmp/good && cat /tmp/broken >/etc/runwisp/runwisp.toml
check "a daemon that does not come up is told of" exits 1 runwisp service install --yes
check "with its log" grep -q 'rnu' /tmp/said
cat /tmp/good >/etc/runwisp/runwisp.toml
check "a repaired one comes up" soon 5 healthy

echo "== runwisp service uninstall"
check "it asks" exits 1 runwisp service uninstall
check "only the word deletes the data" exits 1 runwisp service uninstall --yes --purge <<<"yes"
check "and nothing else happens without it" healthy
check "uninstall removes the service" exits 0 runwisp service uninstall --yes
check "the daemon is gone" not healthy
check "the unit and its drop-ins too" not test -e $UNIT -o -e $UNIT.d
check "systemd knows nothing of it" unit_is LoadState not-found
check "the data is kept" test -s /var/lib/runwisp/runwisp.db
check "nothing is installed" exits 2 runwisp service status
cp systemd/runwisp.service $UNIT
check "a unit of somebody else is not touched" exits 1 runwisp service install --yes
check "and not removed" exits 1 runwisp service uninstall --yes
check "unless it is forced" exits 0 runwisp service install --yes --force
check "the word deletes the data" exits 0 runwisp service uninstall --yes --purge <<<"delete"
check "all of it" not test -e /var/lib/runwisp

echo "== a service of one user"
# What pam_systemd would set, which this machine does not have.
mkdir -p /etc/systemd/system/user@.service.d
printf '[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%%i\n' >/etc/systemd/system/user@.service.d/box.conf
systemctl daemon-reload
useradd --create-home --shell /bin/bash owner
systemctl start "user@$(id -u owner)"
as_owner() { runuser -u owner -- env -u XDG_RUNTIME_DIR HOME=/home/owner "$@"; }
own() { as_owner bash -c 'cd && runwisp "$@"' own "$@"; }
check "the user's manager runs" soon 10 test -S "/run/user/$(id -u owner)/systemd/private"
check "root is refused" says 'is for a service of an ordinary user' runwisp service install --local
check "a user installs one" exits 0 own service install --local --yes --port 9478
check "to whom this machine does not grant that it lingers" grep -q 'sudo loginctl enable-linger owner' /tmp/said
check "which is not well" exits 1 own service status --local
loginctl enable-linger owner
check "and then it is" exits 0 own service status --local
check "it runs as the user" pgrep -u owner -f 'runwisp daemon'
check "it is removed again" exits 0 own service uninstall --local --yes
check "it is gone" exits 2 own service status --local
loginctl disable-linger owner
rm -r /etc/runwisp
userdel runwisp
rm /usr/local/bin/runwisp
hash -r

echo "== the Debian package"
package=$(echo /box/runwisp_*.deb)
check "it installs" dpkg -i "$package"
check "the daemon comes up" soon 5 healthy
check "from the package" equal "$(readlink "/proc/$(main_pid)/exe")" /usr/bin/runwisp
check "and starts with the machine" unit_is UnitFileState enabled
check "under its own unit, with the drop-ins" equal "$(unit FragmentPath) $(unit OOMPolicy)" \
    "/lib/systemd/system/runwisp.service continue"
check "the configuration is root's" equal "$(stat -c '%a %U %G' /etc/runwisp/runwisp.toml)" "640 root runwisp"
check "its directory too" equal "$(stat -c '%a %U %G' /etc/runwisp)" "750 root runwisp"
check "the data is the daemon's" equal "$(stat -c '%a %U %G' /var/lib/runwisp)" "750 runwisp runwisp"
check "the status is good" exits 0 runwisp service status
check "runwisp service leaves it to dpkg" says 'belongs to a package' runwisp service uninstall --yes
check "and does not write over it" exits 1 runwisp service install --yes
check "bash completes its words" bash -c '. /usr/share/bash-completion/completions/runwisp
    COMP_WORDS=(runwisp serv) COMP_CWORD=1; __runwisp; [ "${COMPREPLY[*]}" = service ]'
# The machine leaves out manual pages, whatever the package has.
check "all files are whole" equal "$(dpkg --verify runwisp | grep -v /usr/share/man)" ""
check "manual pages are in the package" says 'man1/runwisp.1.gz' dpkg-deb -c "$package"

runwisp backup /srv/copy >/dev/null
check "root copies what the daemon's user has" equal "$(stat -c '%a %U' /srv/copy/runwisp.db)" "600 root"
check "and leaves nothing of his own there" equal "$(find /var/lib/runwisp ! -user runwisp)" ""

printf '[tasks.mine]\nrun = "true"\n' >>/etc/runwisp/runwisp.toml
cp /etc/runwisp/runwisp.toml /tmp/edited
id=$(runwisp run-task hello) old=$(main_pid)
dpkg-deb -R "$package" newer
sed -i 's/^Version: .*/&+next/' newer/DEBIAN/control
dpkg-deb -Znone --root-owner-group --build newer newer.deb >/dev/null
check "an upgrade goes without a question" dpkg -i newer.deb
check "the daemon is another" not equal "$(main_pid)" "$old"
check "and healthy" soon 5 healthy
check "the configuration is the administrator's" cmp /etc/runwisp/runwisp.toml /tmp/edited
check "with its mode" equal "$(stat -c '%a %U %G' /etc/runwisp/runwisp.toml)" "640 root runwisp"
check "the history is there" query_is "select count(*) from runs where id = '$id'" 1
systemctl stop runwisp && systemctl disable -q runwisp
check "a service that is switched off stays so over an upgrade" dpkg -i "$package"
check "it is not started" not healthy
check "nor enabled" unit_is UnitFileState disabled
systemctl enable -q --now runwisp

check "it is removed" dpkg -r runwisp
check "the daemon is gone" not healthy
check "configuration and history stay" test -s /etc/runwisp/runwisp.toml -a -s /var/lib/runwisp/runwisp.db
check "it comes back" dpkg -i "$package"
check "as it was" soon 5 healthy
check "and is purged" dpkg -P runwisp
check "with configuration and history" not test -e /etc/runwisp -o -e /var/lib/runwisp
check "its user" not id runwisp
check "and every link of the unit" equal "$(find /etc/systemd -name 'runwisp*')" ""

take_over
finish
