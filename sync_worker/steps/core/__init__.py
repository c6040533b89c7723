"""What every step needs. Start with `tenant.py`: nearly every step takes a `Tenant` as its first argument.

tenant.py        one portal and its ports for one thread: its file, store, CRM and mapping
run.py           a run with its row, time and calls; and the turn among others
lists.py         the values that the CRM offers in its lists
association_mode.py  the mode that the portal's associations live by
follow_up.py     what a worker can be asked to do, and what a step did and made due
described.py     the mapping compared with what the CRM describes
chunk.py         records that are committed together, and what their commit makes due
findings.py      what is wrong with the records of a chunk, compared with the failures that are open already
brake.py         undoes a commit that would take away too much
lease.py         one reader at a time for each record type
claim.py         one sender at a time for each write
keeper.py        renews a lease or a claim from a thread of its own while the work goes on
park.py          a record that the CRM refuses waits for a person
deal_problem.py  a problem of a deal, as a row for the operator
crm_links.py     which CRM record each row of the outbox is written to
"""
