"""Commands of an operator.

processes.py      run, web, schedule, worker
database.py       db upgrade
status.py         status
portals.py        portals
mappings.py       mappings
check.py          check, provision
plan.py           plan
failures.py       failures
failure_words.py  failures in words; docs/codes.md is made from it
replaying.py      how a replay goes, with its bar
runs.py           runs
waits/            waits; docs/waits.md is made from it
sandbox.py        sandbox: a local CRM alone
"""
