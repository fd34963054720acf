# seconds: 90
# What only eBPF can hold (a denial inside of a grant) is enforced for an ordinary user; the policy is refused without it.
must_be_active
as ada mcpguard check /home/ada/policy.yaml --workspace /home/ada/work || fail "the policy needs a layer that is not here"
as ada setsid node /opt/steps/hold.mjs /home/ada/policy.yaml /home/ada/work /home/ada/held.sock >/tmp/held 2>&1 &
for _ in $(seq 200); do
    [[ -S /home/ada/held.sock ]] && break
    kill -0 $! 2>/dev/null || fail "the session did not start: $(cat /tmp/held)"
    sleep 0.3
done
must_hold "at the start"
server=$(pgrep -u ada -f puppet.mjs | tail -1)
grep -q mcpguard "/proc/$server/cgroup" || fail "the server is in $(cat "/proc/$server/cgroup")"
