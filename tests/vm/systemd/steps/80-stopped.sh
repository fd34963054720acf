# seconds: 60
# Stopped with its socket, at which sessions would start it again: they go on, guarded by what is pinned. Once the socket is
# back, the next client starts the daemon.
must_be_active
systemctl stop mcpguard.socket "$unit"
[[ $(property ActiveState) == inactive ]] || fail "it is $(property ActiveState)"
[[ -z $(front) ]] || fail "the front is left"
server=$(pgrep -u ada -f puppet.mjs | tail -1)
kill -0 "$server" || fail "the session ended with the daemon"
must_hold "while the daemon is stopped"
systemctl start mcpguard.socket
as ada node /opt/steps/server.mjs "$npm/@modelcontextprotocol/server-filesystem/dist/index.js" /home/ada/work /home/ada/.ssh/id_ed25519
must_be_active
must_hold "after the daemon came back"
