"""The command `sync-worker`. An error is one or two lines on stderr; the exit code says what to do next.

app.py            the root: commands, options, and what each error means
processes.py      run, web, schedule, worker
work.py           pull, push, db upgrade
check.py          check, provision
compare.py        compare
plan.py           plan
status.py         status
portals.py        portals
runs.py           runs
failures.py       failures
conflicts.py      conflicts
companies.py      companies
associations.py   associations
deals.py          deals
prices.py         prices
people.py         people
tokens.py         tokens
feed.py           feed
mail.py           mail
mappings.py       mappings
waits.py          waits
sandbox.py        sandbox: a local CRM alone
output.py         what every command prints: tables or JSON
news.py           what a command opened, and where that is listed
mistakes.py       mistakes in files, with the line and a caret
replaying.py      how a replay goes, with its bar
deal_story.py     the pages of `deals explain`
deal_words.py     the table of moves in words; docs/deals.md is made from it
failure_words.py  failures in words; docs/codes.md is made from it
wait_words.py     waits in words; docs/waits.md is made from it
waits_of_crm.py   what waits for the CRM
waits_of_ours.py  what waits for our own parts, for mail and for the portal
"""

from sync_worker.cli.app import main

__all__ = ["main"]
