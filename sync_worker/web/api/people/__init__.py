"""Addresses of a portal's users.

users.py        /users: put, list, deactivate, erase
user_shapes.py  their bodies
"""
