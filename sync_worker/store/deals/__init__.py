"""Deals and what hangs on them.

deals.py      deals, and the history of each field
rows.py       a deal as a row of its table, and back
narrowing.py  which rows somebody sees, and the filters of lists
orders.py     in which order deals can be listed
pipeline.py   the deals that somebody sees, page by page
sums.py       how many they are and what they are worth
links.py      which CRM record is behind a deal, and the base of each field
attached.py   notes and files that people attached to deals
conflicts.py  fields that both sides changed
prices.py     the price list as it is kept over HTTP, with its history
quotes.py     quotes as made, sent and signed
licences.py   licences as issued, each exactly once
tables.py     the tables of this room
"""
