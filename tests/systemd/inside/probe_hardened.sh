# What hardening.conf takes from a task: one line `allowed …` or `denied …` for each try, for those
# that are named, else for all. Nothing here needs a right that the shipped unit does not give.

capabilities() { [ "$(awk '/^CapBnd/ { print $2 }' /proc/self/status)" != 0000000000000000 ]; }
trace() { perl -e 'exit(syscall(101, 0, 0, 0, 0) == 0 ? 0 : 1)'; } # ptrace(PTRACE_TRACEME)
foreign() { /usr/local/bin/foreign; }
namespace() { perl -e 'exit(syscall(272, 0x10000000) == 0 ? 0 : 1)'; } # unshare(CLONE_NEWUSER)
# AF_PACKET: forbidden to those without a capability, unknown to those without the family.
family() { perl -MSocket -MErrno=EAFNOSUPPORT -e 'socket(my $s, 17, SOCK_RAW, 0); exit($! == EAFNOSUPPORT)'; }
# No other trace: a container has no right to its host's clock anyway.
clock() { [ "$(awk '/^Seccomp_filters/ { print $2 }' /proc/self/status)" -le "$(cat /usr/local/share/of-the-host-filters)" ]; }
hostname() { same_as_host uts; }
kernel-log() { [ "$(stat -c %a /proc/kmsg)" != 0 ]; }
processes() { [ -e /proc/1/status ]; }
mounts() { same_as_host mnt; }
ipc() { same_as_host ipc; }

same_as_host() { [ "$(readlink "/proc/self/ns/$1")" = "$(cat "/usr/local/share/of-the-host-$1")" ]; }

for what in ${*:-capabilities trace foreign namespace family clock hostname kernel-log processes mounts ipc}; do
    if "$what" >/dev/null 2>&1; then echo "allowed $what"; else echo "denied $what"; fi
done
