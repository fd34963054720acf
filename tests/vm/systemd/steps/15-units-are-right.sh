# seconds: 30
# systemd has no complaint about the units, but for the two lines that it learned in version 254; and how exposed it finds the service.
complaints=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" mcpguard.socket 2>&1 | grep -v -e RestartSteps -e RestartMaxDelaySec) || true
[[ -z $complaints ]] || fail "$complaints"

systemd-analyze security --no-pager "$unit" >/tmp/security || true
cat /tmp/security
score=$(sed -n 's/.*Overall exposure level.*: \([0-9]*\)\.\([0-9]\).*/\1\2/p' /tmp/security)
figure exposure_in_tenths "$score"
# 96 is a service without any of it. What is left is what the guard is for: capabilities, root, control groups.
((score <= 49)) || fail "the exposure is $score tenths"
