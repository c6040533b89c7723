"""Screens for the vendor's admin: people.

groups.py  dynamic groups: which there are, whom conditions would reach, a new group
"""
