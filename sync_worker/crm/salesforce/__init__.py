"""Salesforce behind `crm/port.py`.

`session` logs in over `wire`, `load` reads what changed: by pages (`reader`, in the words of `soql`) or by a job (`bulk`, with CSV read by
`cells`); `records` makes records of both. `writer` writes, `schema` describes, `ids` spells, `faults` says what each answer means.
"""
