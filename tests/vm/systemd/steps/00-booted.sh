# seconds: 60
# The machine is what it is said to be: systemd is the first process, everything that it starts is up, and the kernel has the layers.
[[ $(ps -p 1 -o comm=) == systemd ]] || fail "process 1 is $(ps -p 1 -o comm=)"
state=$(systemctl is-system-running --wait) || {
    systemctl --no-pager --failed
    fail "the machine is $state"
}
figure booted_after_ms "$(awk '{ print int($1 * 1000) }' /proc/uptime)"
[[ $(stat -f -c %T /sys/fs/cgroup) == cgroup2fs ]] || fail "/sys/fs/cgroup is no cgroup2"
[[ $(stat -f -c %T /sys/fs/bpf) == bpf_fs ]] || fail "/sys/fs/bpf is no bpffs"
for layer in landlock bpf; do
    grep -qw "$layer" /sys/kernel/security/lsm || fail "$layer is not among $(cat /sys/kernel/security/lsm)"
done
. /etc/os-release
echo "$PRETTY_NAME, kernel $(uname -r), $(systemctl --version | head -1)"
[[ $VERSION_ID == 12 ]] || fail "not a Debian 12"
[[ ! -e /usr/bin/mcpguard ]] || fail "mcpguard is there before it is installed"
