"""Commands that work between the CRM and the portal.

pull_push.py  pull, push
compare.py    compare: is the CRM still as we know it?
conflicts.py  conflicts: fields that both sides changed
"""
