"""The data that every sandbox begins with, before any vendor's spelling: the same companies, people and deals in each CRM.

cast    the named few, whose stories the docs, the demo and the tests tell
names   plausible names for the many          words   what their fields may say
draft   the many drawn from a seed, one after the other
"""
