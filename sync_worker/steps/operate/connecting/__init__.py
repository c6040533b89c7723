"""A portal is connected to its CRM by a person's consent.

connect.py  a person lets the worker in, and comes back
grant.py    the refresh token that this leaves, for the log-ins of every process
"""
