# seconds: 60
# Whatever the daemon does: in the unit's own sandbox, root can do what mcpguard needs. The unit is copied with another command.
sed -e 's/^Type=.*/Type=oneshot/' -e 's/^ExecStart=.*/ExecStart=\/usr\/bin\/mcpguard doctor/' \
    -e '/^WatchdogSec=/d' -e '/^Restart/d' -e '/^StateDirectory/d' -e '/^Requires=/d' \
    /usr/lib/systemd/system/mcpguard.service >/run/systemd/system/sandbox.service
printf '[Service]\nStandardOutput=file:/tmp/doctor\nStandardError=file:/tmp/doctor\n' >>/run/systemd/system/sandbox.service
systemctl daemon-reload
# It ends with 1 where this kernel's Landlock lacks something.
systemctl start sandbox.service || true
cat /tmp/doctor
must_work /tmp/doctor ebpf-hooks ebpf-network control-group landlock-files seccomp-filter
rm /run/systemd/system/sandbox.service
systemctl daemon-reload
systemctl reset-failed
