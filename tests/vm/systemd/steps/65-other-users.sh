# seconds: 60
# Another user sees and ends nothing of ada's; an operator sees it; nobody but root and operators speaks for others.
must_be_active
server=$(pgrep -u ada -f puppet.mjs | tail -1)
as eve mcpguard ps
refused bash -c 'runuser -u eve -- mcpguard ps --json | grep -q ada'
as eve mcpguard kill --all || true
as eve mcpguard kill --user ada || true
kill -0 "$server" || fail "eve has ended ada's session"
must_hold "after eve"
as olga mcpguard ps | grep ada || fail "an operator does not see ada's session"
