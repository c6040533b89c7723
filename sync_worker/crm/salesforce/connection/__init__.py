"""The way to Salesforce.

session.py  one log-in for a portal, one HTTP session for each thread
consent.py  a person lets us in, on the org's own page
login.py    the ways to log in
wire.py     what every request goes through
faults.py   what each answer of the vendor means: the table of error codes
ids.py      ids of 15 and of 18 characters
"""
