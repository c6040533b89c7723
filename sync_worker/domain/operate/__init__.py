"""What an operator is shown.

status.py    how processes and portals stand, and what needs a person
day.py       the last day, hour by hour
plan.py      what a pull and a push would change, and what they would cost
inquiry.py   what a person asks of the CRM and a worker answers
editing.py   a file that a person edits: who may, and what of it is shown again
connection.py  how long a consent may take, and which org is the portal's
recovery.py  where something must change before a failure can pass
erasure.py   a person's data taken out of JSON that was written down
"""
