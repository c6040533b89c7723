"""The users of a portal.

authorize.py  whose token a request carries, and what that token may do
users.py      users as the portal tells of them, and the person who acts in a request
wording.py    which texts a person may write
"""
