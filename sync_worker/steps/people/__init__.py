"""The users of a portal.

answer.py     a request with an idempotency key is worked on once
authorize.py  whose token a request carries, and what that token may do
console.py    who comes into the console, and stays until when
naming.py     which company a person means by an id or a name
tokens.py     API tokens are made and ended
users.py      users as the portal tells of them, and the person who acts in a request
groups.py     groups are made, edited and deleted; whom conditions reach
regroup.py    REGROUP: which companies are in which group after a change of a company, or of a group
wording.py    which texts a person may write
"""
