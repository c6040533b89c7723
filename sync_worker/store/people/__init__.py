"""People of a portal, the tokens of its API, and who is in the console.

people.py   users, and the companies they belong to
groups.py   dynamic groups, and the companies that are in them
tokens.py   API tokens: a hash, what it may do, who made it
console.py  links that open the console, and sessions in it: a hash, a role, until when
answers.py  answers already given, one for each token and idempotency key
tables.py   the tables of this folder
"""
