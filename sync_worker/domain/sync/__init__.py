"""What a record of the CRM means for the portal's own record, and what a write does when it fails.

arrival.py          how a deal begins when it comes from the CRM; what to do with the second partner that the CRM names
merge.py            a deal and its CRM record merged: which fields change, and which moves and problems follow
own_key.py          whose key stands on a CRM record
succession.py       which record each merged record became
attempts.py         how often a write is tried, and how long it waits in between
breaker.py          a cause that keeps failing rests, until one try shows that it is gone
late_write.py       a write of ours that the CRM commits after we stopped waiting for its answer
brake.py            how much may be taken away within a day before a person has looked
backfill.py         one field, read again for all records that are here already
resting.py          which fields can be left out while the CRM does not show them
company_page.py     a page of companies judged: one ruling a record, each in the light of those before it
company_fill.py     the same for a page of which one field was read
company_record.py   a company's CRM record in our words, and what it makes of the company
company_merge.py    companies that the portal writes too: what it changed stays
deal_page.py        a page of deals' records judged: one ruling a record, each in the light of those before it
deal_fill.py        the same for a page of which one field was read
deal_record.py      a deal's CRM record in our words, and the companies that it names
deal_merging.py     one deal and its record: our late writes are told from edits, then the two are merged
deal_change.py      what a ruling on a deal writes, and what is looked up before
association_gap.py  associations that our own calls have left half written
company_key.py      our keys on the records of companies: which of them they bring back
outgoing.py         what a record owes the CRM: fields to write, nothing, or it waits for a person
"""
