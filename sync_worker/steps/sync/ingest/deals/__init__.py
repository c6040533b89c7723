"""A chunk of deal records.

ingest.py    looks the records up, has them judged (domain/sync/ingest/deals/page.py) and writes what the rulings say
reader.py    a CRM record in our words, by the portal's mapping
plain.py     the plain ones of the chunk set apart, field by field
sides.py     the companies that the records name
prefetch.py  what the portal holds of these records, looked up for all of them at once
write.py     what the rulings say is written: deals, history, links, conflicts, the outbox
fill.py      the same for a backfill of one field
"""
