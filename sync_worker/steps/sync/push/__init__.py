"""From the portal to the CRM. Start with `push.py`: claim, compute, send, settle.

push.py             THE CORE: what is owed goes to the CRM, batch by batch
read_first.py       known records are read and merged before they are written
write_claim.py      the rows of one claim are decided, sent and settled
side_by_side.py     claims are worked at together, as many as the CRM takes calls at once
outgoing_writes.py  what each row of the outbox owes the CRM, spelled for it
settle.py           what becomes of writes once the CRM has answered
halves.py           a write that takes several calls is settled after each call
read_back.py        what became of a write whose answer was lost
late_writes.py      sends whose outcome we never learned are looked for until their time is over
breaker.py          writes of a cause that keeps failing rest
rest.py             all writes rest while the CRM takes none
record_rest.py      a record type rests while the CRM hides a field that it cannot do without
patch_back.py       our id is written into each company's CRM record, once
patch_several.py    the same in several calls at once
"""
