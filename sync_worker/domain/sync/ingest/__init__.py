"""What a record that was read means for the portal's own record.

companies/     a page of companies judged
deals/         a page of deals judged
own_key.py     whose key stands on a CRM record
succession.py  which record each merged record became
echoes.py      which records a search finds only because we wrote them
lanes.py       where each lane of a scan stands
cutting.py     where to cut a scan into lanes, by a few counts
brake.py       how much may be taken away within a day before a person has looked
backfill.py    one field, read again for all records that are here already
resting.py     which fields can be left out while the CRM does not show them
"""
