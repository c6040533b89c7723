"""A chunk of company records. For company fields the CRM is right, except where the mapping says `direction: both`.

ingest.py  the way of each record: late, unchanged, merged, deleted or stored
reader.py  a CRM record becomes a company, by the portal's mapping
merge.py   what the portal changed and the CRM does not hold yet stays
keys.py    our keys on the records: which companies they bring back
fill.py    the same for a backfill of one field
"""
