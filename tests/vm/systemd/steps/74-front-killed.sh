# seconds: 60
# The front is killed: the keeper starts another one, and stays itself.
must_be_active
kept=$(keeper) was=$(front)
kill -KILL "$was"
eventually 30 is_another "$was" front
must_be_active
[[ $(keeper) == "$kept" ]] || fail "the keeper went with the front"
must_hold "after the front was killed"
as ada mcpguard check /home/ada/policy.yaml --workspace /home/ada/work
