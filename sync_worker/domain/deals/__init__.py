"""A deal's way in the portal. Start with `lifecycle.py`: the table of moves names everything that can be done with a deal.

lifecycle.py      THE TABLE OF MOVES: from which state, by whom, under which conditions, with which result
registration.py   how a deal begins in the portal, and what an edit needs
approval.py       what a decision on one of the two approval tracks needs and does
opening.py        which moves a person can make now
last_day.py       the day on which a registration ends
completion.py     the steps from a signature to licences
flags.py          what is wrong with a deal, in words for the people of the deal
prospect.py       when two registrations are for the same prospect
standing.py       problems that stay open until somebody acts
travel.py         which edits of a deal can still reach the CRM
deal_edit.py      what one reading changes of a deal, with its history
insights.py       how many deals there are and what they are worth
quotes/           what a deal costs its buyer, and who may make, see, send and sign which quote
"""
