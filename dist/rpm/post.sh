# $1: 1 installed, 2 upgraded.
systemd-sysusers mcpguard.conf || :
systemd-tmpfiles --create mcpguard.conf || :
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
fi
if [ "$1" -eq 1 ]; then
    # The distribution's presets decide whether it starts at boot.
    systemctl --no-reload preset mcpguard.socket mcpguard.service || :
fi
