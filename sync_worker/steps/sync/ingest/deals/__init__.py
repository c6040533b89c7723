"""A chunk of deal records.

ingest.py      the way of each record: its deal is found, its companies linked, its fields merged
prefetched.py  all that a chunk needs from the store, read at once
merge.py       one deal and its record, field by field; `domain` says what follows
beginnings.py  a deal that begins in the CRM, and a deal that the database lost
keys.py        our keys on the records: which deal each one names
draft.py       what the chunk changes, gathered first and written at the end
fill.py        the same for a backfill of one field
"""
