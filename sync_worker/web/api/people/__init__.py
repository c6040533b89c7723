"""Addresses of a portal's users.

users.py         /users: put, list, deactivate, erase
user_shapes.py   their bodies
tokens.py        /operate/tokens: API tokens, made and ended by an operator
token_shapes.py  their bodies
groups.py        /groups: dynamic groups, their members, and what a user may see by them
group_shapes.py  their bodies
"""
