# seconds: 30
mkdir -p /etc/systemd/system/mcpguard.service.d
cat >/etc/systemd/system/mcpguard.service.d/debug.conf <<'X'
[Service]
Type=exec
WatchdogSec=0
ExecStart=
ExecStart=/usr/bin/sleep infinity
X
systemctl daemon-reload
systemctl restart $unit
must_be_active
sed -i -e '/deny:/d' /opt/steps/policy.yaml
