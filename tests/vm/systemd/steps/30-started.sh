# seconds: 60
# The daemon starts, says that it is ready, and is what it should be: a keeper that is root, and a front without any privilege.
begun=$(date +%s%N)
systemctl start "$unit" || {
    told_by_the_unit
    fail "it does not start"
}
figure started_in_ms $((($(date +%s%N) - begun) / 1000000))
must_be_active
systemctl is-active mcpguard.socket
[[ $(stat -c '%a %U:%G' /run/mcpguard/control.sock) == "666 root:root" ]] || fail "$(stat -c '%n %a %U:%G' /run/mcpguard/control.sock)"
[[ $(stat -c '%a %U:%G' /var/lib/mcpguard) == "700 mcpguard:mcpguard" ]] || fail "$(stat -c '%n %a %U:%G' /var/lib/mcpguard)"
[[ $(ps -o user= -p "$(keeper)") == root ]] || fail "the keeper is $(ps -o user= -p "$(keeper)")"
[[ -n $(front) ]] || fail "no front runs as mcpguard: $(ps -eo pid,user,args | grep '[m]cpguard')"
# What it may not gain: it executes nothing that would give it more.
grep -q '^NoNewPrivs:[[:space:]]*1$' "/proc/$(front)/status" || fail "the front may gain privileges"
for set in CapInh CapPrm CapEff CapAmb; do
    grep -q "^$set:[[:space:]]*0000000000000000$" "/proc/$(front)/status" || fail "the front has capabilities: $(grep Cap "/proc/$(front)/status")"
done
grep -q '^Seccomp:[[:space:]]*2' "/proc/$(front)/status" || fail "the front has no filter"
figure keeper_rss_kib "$(awk '/^VmRSS/ { print $2 }' "/proc/$(keeper)/status")"
figure front_rss_kib "$(awk '/^VmRSS/ { print $2 }' "/proc/$(front)/status")"
