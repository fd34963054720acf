# seconds: 60
# Ada holds her own session to less while it runs, and not to more; an operator may give some back. The kernel has each number.
must_be_active
server=$(pgrep -u ada -f puppet.mjs | tail -1)
group=/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$server/cgroup")
child='{"name":"syscall","arguments":{"number":39,"arguments":[]}}'
held() {
    local memory=$1 processes=$2 share=$3
    [[ $(<"$group/memory.max") == "$memory" ]] || fail "memory: $(<"$group/memory.max")"
    [[ $(<"$group/pids.max") == "$processes" ]] || fail "processes: $(<"$group/pids.max")"
    awk -v share="$share" '$1 != share * $2 { exit 1 }' "$group/cpu.max" || fail "processors: $(<"$group/cpu.max")"
}
outcome=$(asked raw "$child")
[[ $outcome == ok ]] || fail "a child of the server before: $outcome"
as ada mcpguard limits --all
as ada mcpguard limits --all --memory 400MiB --processes 1 --cpu 0.5
held $((400 << 20)) 1 0.5
outcome=$(asked raw "$child")
[[ $outcome == EAGAIN ]] || fail "a child of the server that may have no more processes: $outcome"
refused as ada mcpguard limits --all --processes 40
refused as eve mcpguard limits --user ada --memory 1MiB
# All that are given are set, or none: the kernel would have to take back what is in use.
refused as ada mcpguard limits --all --memory 1MiB --cpu 0.25
held $((400 << 20)) 1 0.5
as olga mcpguard limits --user ada --processes 64 --cpu 1
held $((400 << 20)) 64 1
outcome=$(asked raw "$child")
[[ $outcome == ok ]] || fail "a child of the server afterwards: $outcome"
must_hold "with other limits"
as olga mcpguard log show /var/log/mcpguard/host.jsonl --event operation --json >/tmp/operations
[[ $(grep -c '"operation":"limits"' /tmp/operations) == 2 ]] || fail "the host's log: $(cat /tmp/operations)"
