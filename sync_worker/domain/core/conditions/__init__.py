"""Conditions over the fields of a record: one language for everything in which a person says which records are meant.

condition.py  a condition, the operators that each kind of field allows, and their words
check.py      what is wrong with conditions that a person wrote
holds.py      whether conditions hold for a record
"""
