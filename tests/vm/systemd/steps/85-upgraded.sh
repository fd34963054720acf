# seconds: 60
# Installed over itself: what the administrator changed stays, the daemon is another one, sessions go on.
must_be_active
was=$(keeper)
echo '# changed here' >>/etc/mcpguard/daemon.yaml
dpkg -i --force-confold /opt/steps/mcpguard.deb
grep -q 'changed here' /etc/mcpguard/daemon.yaml || fail "the configuration was overwritten"
must_be_active
is_another "$was" keeper || fail "the old daemon still runs"
must_hold "after the upgrade"
