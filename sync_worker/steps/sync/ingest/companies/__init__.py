"""A chunk of company records. For company fields the CRM is right, except where the mapping says `direction: both`.

ingest.py    looks the records up, has them judged (domain/sync/ingest/companies/page.py) and has the rulings written
reader.py    a CRM record in our words, by the portal's mapping
plain.py     the plain ones of the chunk set apart, field by field
prefetch.py  what the portal holds of these records, looked up for all of them at once
written.py   those of the companies that the portal writes too
write.py     what the rulings say is written: what a merge hands over, companies, links, the outbox
fill.py      the same for a backfill of one field
"""
