"""The way to HubSpot.

session.py      one account for a portal, one connection for each thread
consent.py      a person installs the app
login.py        the ways to log in
wire.py         what every request goes through
pace.py         how fast one process may ask
shared_pace.py  the same, kept in Redis for all processes
faults.py       what each answer of the vendor means: the table of error codes
"""
