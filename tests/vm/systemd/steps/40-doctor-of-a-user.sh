# seconds: 60
# An ordinary user is made, and finds every mechanism at work.
useradd --create-home --shell /bin/bash ada
useradd --create-home --shell /bin/bash eve
useradd --create-home --shell /bin/bash --groups mcpguard-operators olga
for user in ada eve olga; do
    install -d -m 0700 -o "$user" -g "$user" "/run/user/$(id -u "$user")"
done
as ada bash -eu -c 'cd
    mkdir -p .ssh work/closed work-evil
    echo key >.ssh/id_ed25519
    echo inside >work/inside.txt
    echo closed >work/closed/secret.txt
    printf "#!/bin/sh\necho ran\n" >work/program
    chmod 700 . .ssh work/program
    cp /opt/steps/policy.yaml policy.yaml' </dev/null
as ada mcpguard doctor >/tmp/doctor || true
cat /tmp/doctor
must_work /tmp/doctor ebpf-hooks ebpf-network control-group landlock-files seccomp-filter
