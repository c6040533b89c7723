"""Screens of the operator.

status.py         every portal, one portal, and the processes: lag, what rests, what is owed and open, the calls that are left
day.py            the pictures of the last day
halts.py          a portal is paused, or goes on
failures.py       failures by cause, one failure, the preview of a replay, and what is decided about them
replays.py        how a replay goes, and its stop
brake.py          what the brake holds, and its release
inquiries.py      check, plan and compare, which a worker answers
connection.py     a person lets the worker into the CRM, on the vendor's page
configuration.py  the files as they count, tokens, people, sessions
edit.py           the portal file and the mapping: edited, checked, previewed, saved
runs.py           what was done, with its sums
"""
