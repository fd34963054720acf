# seconds: 60
# Whatever the daemon does: in the unit's own sandbox, root can do what mcpguard needs. The unit is copied with another command.
sed -e 's/^Type=.*/Type=oneshot/' -e 's/^ExecStart=.*/ExecStart=\/usr\/bin\/mcpguard doctor/' \
    -e '/^WatchdogSec=/d' -e '/^Restart/d' -e '/^StateDirectory/d' -e '/^Requires=/d' \
    /usr/lib/systemd/system/mcpguard.service >/run/systemd/system/sandbox.service
printf '[Service]\nStandardOutput=file:/tmp/doctor\nStandardError=file:/tmp/doctor\n' >>/run/systemd/system/sandbox.service
systemctl daemon-reload
status=0
systemctl start sandbox.service || status=$?
cat /tmp/doctor
((status == 0)) || fail "the sandbox keeps mcpguard from something"
grep -q '^works *ebpf' /tmp/doctor || fail "eBPF was not tried"
# Its mounts are another view than the users' in nothing but that they are read-only.
rm /run/systemd/system/sandbox.service
systemctl daemon-reload
