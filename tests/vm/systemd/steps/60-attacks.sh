# seconds: 120
# The attack list, each attack first without the guard.
must_be_active
touch /tmp/attacks
KEEPER=$(keeper)
as ada env KEEPER="$KEEPER" node /opt/steps/attacks.mjs /home/ada/policy.yaml /home/ada
must_be_active
[[ $(keeper) == "$KEEPER" ]] || fail "the daemon is another one"
