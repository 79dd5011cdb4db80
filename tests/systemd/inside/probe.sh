# What a task may do inside the unit's sandbox: one line `allowed …` or `denied …` for each try.
# The same tries outside of it are the control: they show that a denial is the directive's work.

try() {
    local what=$1
    shift
    if "$@" >/dev/null 2>&1; then echo "allowed $what"; else echo "denied $what"; fi
}

try "ProtectSystem: write to /etc" touch /etc/own/probe
try "ProtectSystem: write to /usr" touch /usr/own/probe
try "ProtectSystem: write to /srv" touch /srv/elsewhere/probe
try "ReadOnlyPaths: write beside the configuration" touch /etc/runwisp/own/probe
try "ReadWritePaths: write to the data directory" touch /var/lib/runwisp/probe
try "ReadOnlyPaths: read the configuration" cat /etc/runwisp/runwisp.toml
try "ProtectHome: see a file in /home" test -e /home/owner/file
try "PrivateTmp: see a file in the host's /tmp" test -e /tmp/of-the-host
try "PrivateTmp: write to /tmp" touch /tmp/of-the-task
try "PrivateDevices: see a device beside the harmless ones" test -e /dev/of-the-host
try "PrivateDevices: use /dev/null and /dev/urandom" bash -c 'head -c1 /dev/urandom >/dev/null'
try "ProtectKernelModules: see the kernel's modules" test -e /usr/lib/modules/own/module
try "RestrictSUIDSGID: make a set-user-id file" \
    bash -c 'cp /bin/true /tmp/suid && chmod u+s /tmp/suid'
try "LockPersonality: change the personality" setarch x86_64 -R true
try "NoNewPrivileges: become root by a set-user-id program" \
    bash -c '/usr/local/bin/suid-id | grep -q euid=0'
rm -f /var/lib/runwisp/probe /tmp/suid
