"""What is owed to the CRM, and what was heard of it.

outbox.py         writes that the CRM still has to get
notices.py        records that have changed in the CRM and are to be read again
webhooks.py       when the last webhook of each record type came
unlearned.py      sends whose outcome we never learned
breakers.py       causes that have failed many times in a row
removals.py       what was taken away within the last day
backfills.py      fields that are to be read again for all records
company_links.py  the base of companies that the portal writes too
patch_backs.py    companies whose CRM record does not carry our id yet
own_stamps.py     the stamps in the answers to our own last writes
spread.py         what PostgreSQL knows of how rows are spread
strangers.py      CRM records that look like ours and are not
tables.py         the tables of this folder
"""
