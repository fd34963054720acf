# seconds: 90
# A keeper that hangs is found by systemd's watchdog, and replaced.
must_be_active
was=$(keeper)
kill -STOP "$was"
must_hold "while the keeper hangs"
eventually 90 is_another "$was" keeper
eventually 30 is_active
must_hold "after the watchdog"
