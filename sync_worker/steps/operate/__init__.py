"""What an operator asks for, and what is done for the operator every night.

connecting/     a person lets the worker into the CRM
shown/          what an operator is shown of what waits for a person
setup/          is the CRM set up for the portal; and what is made in it
status.py       how processes and portals stand
day.py          the last day of a portal
plan.py         what a pull and a push would change, before anything is changed
difference.py   what the work on a copy of a portal changed: the lines of a plan
inquire.py      a person asks what takes long to answer, and a worker answers
replay.py       failed records are tried again, from both sides as they are now
preview.py      what a replay would change
intervene.py    a person replays, discards or releases failures
resolve.py      a person says which side of a conflict counts
halt.py         a person pauses a portal, and resumes it
erase.py        the data of a person is erased on request
known_codes.py  whether a code that somebody names exists
sweep.py        once a night: what is old enough is removed
sweep_files.py  after it: files that no row names are removed
"""
