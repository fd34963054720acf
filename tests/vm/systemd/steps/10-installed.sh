# seconds: 30
# dpkg installs the package, with its maintainer scripts: users, directories, units. Nothing is started yet.
dpkg -i /opt/steps/mcpguard.deb
[[ $(dpkg-query -W -f '${Status}' mcpguard) == "install ok installed" ]] || fail "$(dpkg-query -W -f '${Status}' mcpguard)"
changed=$(dpkg -V mcpguard) || true
[[ -z $changed ]] || fail "files differ from the package: $changed"
mcpguard --version

[[ $(getent passwd mcpguard | cut -d: -f7) == */nologin ]] || fail "user mcpguard: $(getent passwd mcpguard)"
getent group mcpguard-operators
# `mode owner:group`
for place in "/run/mcpguard 755 root:root" "/var/log/mcpguard 2750 mcpguard:mcpguard-operators" \
    "/etc/mcpguard 755 root:root" "/etc/mcpguard/daemon.yaml 644 root:root" "/usr/bin/mcpguard 755 root:root"; do
    path=${place%% *}
    [[ "$path $(stat -c '%a %U:%G' "$path")" == "$place" ]] || fail "$(stat -c '%n %a %U:%G' "$path") instead of $place"
done
for enabled in "$unit" mcpguard.socket; do
    [[ $(systemctl is-enabled "$enabled") == enabled ]] || fail "$enabled is $(systemctl is-enabled "$enabled")"
done
[[ $(property ActiveState) == inactive ]] || fail "it was started by its installation"
[[ -s /usr/share/bash-completion/completions/mcpguard ]] || fail "no completions"
