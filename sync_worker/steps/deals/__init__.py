"""A deal's way in the portal: from its registration to licences. What may be done with a deal stands in `domain/deals/lifecycle.py`.

register.py  a partner registers a deal: checked, stored, and owed to the CRM in one commit
move.py      a person does something with a deal: the move, its history and the outbox in one commit
decide.py    moves that carry more than a reason: decisions, edits, another owner
quote.py     prices of a deal are made, shown and sent
sale.py      what is recorded between the end of the negotiation and the end of the deal
complete.py  after a signature: the licences, then the end of the deal
expire.py    once a day: registrations past their last day end
attached/    notes and files on a deal
prices.py    the portal's price list
forms.py     which fields the portal's forms have
twins.py     two partners registered the same prospect
flag.py      what is wrong with deals, for those who look at them
standing.py  problems that stay open until somebody acts
travel.py    what the CRM can still be told of a deal
explain.py   how each field of a deal got its value
relink.py    a person says which CRM record belongs to a deal
"""
