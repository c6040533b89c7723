"""A page of companies is judged: one ruling a record.

page.py     a page of companies judged: one ruling a record, each in the light of those before it
plain.py    the plain ones of a page, judged column by column
fill.py     the same for a page of which one field was read
record.py   a company's CRM record in our words
arrival.py  what the record makes of the company
merge.py    companies that the portal writes too: what it changed stays
key.py      our keys on the records of companies: which of them they bring back
"""
