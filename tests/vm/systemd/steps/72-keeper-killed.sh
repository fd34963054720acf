# seconds: 60
# The keeper is killed: systemd starts another one, and sessions go on, guarded, also while there is none.
must_be_active
was=$(keeper)
kill -KILL "$was"
must_hold "while there is no daemon, or a new one"
eventually 30 is_another "$was" keeper
eventually 30 is_active
must_hold "after the keeper was killed"
