# $1: 0 removed, 1 upgraded.
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
    systemctl --no-reload disable --now mcpguard.service mcpguard.socket || :
fi
