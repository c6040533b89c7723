"""Salesforce behind `crm/port.py`.

`session` logs in, `reader` reads, `writer` writes, `schema` describes, `faults` says what each answer means.
"""
