"""From the CRM to the portal. `pull.py` and `refresh.py` ask for records; `ingest.py` stores what they say.

pull.py        records that changed, page by page; each page and the cursor are one commit
echoes.py      which records of a search need no reading: our own writes
lanes.py       the pages of a scan, asked for side by side
refresh.py     records that a notice names, read again by id
ingest.py      THE CORE: native records become what the portal holds
companies/     what a chunk of company records changes
deals/         what a chunk of deal records changes
alone.py       which records of a chunk may go field by field
ours.py        what makes a CRM record one of ours
succession.py  which record each merged record of a chunk became
facts.py       which parts of our own write are seen to stand in the CRM
recognize.py   finds our own writes whose outcome we never learned
take_back.py   after a restored backup: values that only the portal writes come back from the CRM
backfill.py    one field is read again for all records that are here already
compare.py     once a night: every record of ours is compared with the CRM's
census.py      once a night: which records the CRM has and we do not
"""
