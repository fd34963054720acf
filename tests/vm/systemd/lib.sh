# What steps share. Each step runs in a shell of its own that ends at the first command that fails.
set -E
trap 'echo "FAILED: \`$BASH_COMMAND\` in line $LINENO" >&2' ERR
unit=mcpguard.service
npm=/opt/steps/npm/node_modules

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

# `figure NAME NUMBER`: told to the host.
figure() {
    printf '"%s":%d\n' "$1" "$2" >>"$FIGURES"
    echo "figure: $1: $2"
}

# `as USER COMMAND…`: with the environment of a login and nothing else.
as() {
    local user=$1
    shift
    runuser -u "$user" -- env -i HOME="/home/$user" USER="$user" PATH=/usr/local/bin:/usr/bin:/bin LANG=C.UTF-8 \
        XDG_RUNTIME_DIR="/run/user/$(id -u "$user")" "$@"
}

# `refused COMMAND…`: it must end with a failure.
refused() {
    if "$@"; then
        fail "it was let: $*"
    fi
}

# `eventually SECONDS COMMAND…`: until it succeeds.
eventually() {
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < end)) || fail "not in time: $*"
        sleep 0.3
    done
}

# What the journal has of the unit; said when something is not as it must be.
told_by_the_unit() {
    journalctl --no-pager --quiet -o cat -u "$unit" -n "${1:-30}" || true
}

property() {
    systemctl show -P "$1" "$unit"
}

is_active() {
    [[ $(property ActiveState) == active ]]
}

# A start that an earlier step has brought about is waited for.
must_be_active() {
    local end=$((SECONDS + 60))
    while [[ $(property ActiveState) == activating ]] && ((SECONDS < end)); do
        sleep 0.3
    done
    is_active || {
        systemctl --no-pager --full status "$unit" || true
        told_by_the_unit
        fail "$unit is $(property ActiveState)/$(property SubState), result $(property Result)"
    }
}

# The keeper is the unit's first process, the front the one that runs as mcpguard. A process that is not there is a failure: signals to
# process 0 would hit the step.
keeper() {
    local main
    main=$(property MainPID)
    [[ $main =~ ^[1-9][0-9]*$ ]] && echo "$main"
}

front() {
    pgrep -u mcpguard -f 'daemon --front'
}

# `is_another WAS COMMAND…`: whether the command tells a number, and not that one.
is_another() {
    local was=$1 is
    shift
    is=$("$@") && [[ $is =~ ^[1-9][0-9]*$ && $is != "$was" ]]
}

# `asked TOOL JSON`: what ada's held session answers; the outcome alone.
asked() {
    as ada node /opt/steps/ask.mjs /home/ada/held.sock "$1" "$2"
}

# Ada's held session works, and holds.
must_hold() {
    local outcome
    outcome=$(asked read '{"path":"/home/ada/work/inside.txt"}')
    [[ $outcome == ok ]] || fail "$1: the session's own file: $outcome"
    for path in /home/ada/.ssh/id_ed25519 /home/ada/work/closed/secret.txt; do
        outcome=$(asked read "{\"path\":\"$path\"}")
        [[ $outcome == EACCES || $outcome == EPERM ]] || fail "$1: $path: $outcome"
    done
    outcome=$(asked connect '{"host":"127.0.0.1","port":9}')
    [[ $outcome == EACCES || $outcome == EPERM ]] || fail "$1: a connection: $outcome"
}

# `must_work FILE MECHANISM…`: what `mcpguard doctor` told. What Landlock lacks on older kernels eBPF does; nothing else may be absent.
must_work() {
    local told=$1 mechanism lacking
    shift
    for mechanism in "$@"; do
        grep -q "^works *$mechanism " "$told" || fail "$mechanism does not work"
    done
    lacking=$(sed -n 's/^ABSENT *\([^ ]*\).*/\1/p' "$told" | sed '/^landlock-/d' | xargs)
    [[ -z $lacking ]] || fail "absent: $lacking"
}
