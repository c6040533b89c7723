"""A page of deals' records is judged: one ruling a record.

arrival.py          how a deal begins when it comes from the CRM; what to do with the second partner that the CRM names
merge.py            a deal and its CRM record merged: which fields change, and which moves and problems follow
association_gap.py  associations that our own calls have left half written
page.py             a page of deals' records judged: one ruling a record, each in the light of those before it
known.py            a deal that is known meets its record
begin.py            a deal that begins with a record, or comes back with it
plain.py            the plain records of a page, judged field by field
leave.py            records that go: converted, deleted, or merged into another
key.py              our keys on the records of deals: which deal each brings back
fill.py             the same for a page of which one field was read
record.py           a deal's CRM record in our words, and the companies that it names
merging.py          one deal and its record: our late writes are told from edits, then the two are merged
change.py           what a ruling on a deal writes, and what is looked up before
"""
