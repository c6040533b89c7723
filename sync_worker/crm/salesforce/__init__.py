"""Salesforce behind `crm/port.py`.

`session` logs in over `wire`, `reader` reads in the words of `soql`, `writer` writes, `schema` describes, `ids` spells, `faults` says what
each answer means.
"""
