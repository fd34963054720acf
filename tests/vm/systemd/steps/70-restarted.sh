# seconds: 60
# `systemctl restart`: another daemon, the same sessions, guarded at every moment.
must_be_active
was=$(keeper)
systemctl restart "$unit"
must_be_active
is_another "$was" keeper || fail "the keeper is still $was"
must_hold "after a restart"
