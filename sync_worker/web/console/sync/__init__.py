"""Screens about what both sides hold.

conflicts.py  fields that both sides changed, and which side counts
"""
