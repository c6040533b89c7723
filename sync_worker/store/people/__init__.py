"""People of a portal, and the tokens of its API.

people.py   users, and the companies they belong to
groups.py   dynamic groups, and the companies that are in them
tokens.py   API tokens: a hash, what it may do, who made it
answers.py  answers already given, one for each token and idempotency key
tables.py   the tables of this folder
"""
