# $1: 0 removed, 1 upgraded.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    if [ "$1" -ge 1 ]; then
        systemctl try-restart mcpguard.service || :
    fi
fi
