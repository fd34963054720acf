# seconds: 60
# Removed, then purged: nothing of it runs or is left, and the machine has no failed unit.
was=$(keeper) || was=
dpkg -r mcpguard
[[ ! -e /usr/bin/mcpguard && ! -e /run/mcpguard/control.sock ]] || fail "files are left"
[[ -e /etc/mcpguard/daemon.yaml ]] || fail "the configuration is gone before it is purged"
[[ -z $was ]] || refused kill -0 "$was"
dpkg -P mcpguard
for path in /etc/mcpguard/daemon.yaml /var/lib/mcpguard /var/log/mcpguard /etc/systemd/system/multi-user.target.wants/mcpguard.service; do
    [[ ! -e $path && ! -L $path ]] || fail "$path is left"
done
[[ $(systemctl show -P LoadState "$unit") == not-found ]] || fail "systemd still knows $(systemctl show -P LoadState "$unit")"
state=$(systemctl is-system-running) || {
    systemctl --no-pager --failed
    fail "the machine is $state"
}
