"""The CRMs. `port.py` says what every CRM must offer, and one folder for each vendor adapts its API to that. No database, no queue.

port.py           THE SHAPE: what every CRM offers, and what crosses the line
salesforce/       Salesforce behind the port
hubspot/          HubSpot behind the port
rehearsal.py      a CRM that is read and never written, for plans and previews
address.py        where a person looks at a record
siblings.py       the connections of one portal that work side by side
faults.py         which errors are tried again at once, how often and how long
login/            one token for all threads of a portal; a person's consent
batches.py        writing by batches: claims, and calls without an answer
blame.py          which rows of a refused request are to blame
left_out.py       a field that an answer leaves out: empty, or gone
budget.py         how many calls a portal may still make
shared_budget.py  the same, kept in Redis for all processes
width.py          how many calls of a portal may be in flight
turnstile.py      where a call waits until there is room for it
shared_turnstile.py  the same, kept in Redis for all processes
reach.py          Redis as long as it answers
"""
