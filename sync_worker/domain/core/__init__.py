"""What every other folder of the domain uses: values, companies, people, deals; and how two sides of a record are merged.

values.py        the kinds of value a field can hold, and their JSON form
conditions/      which records a person means: conditions over their fields
company.py       a company as the portal knows it
user.py          a person of a company, and the role that counts
deal.py          a deal: its lifecycle, its two approval tracks, who acts; what follows from a change
stamp.py         who decided on an approval track, when and why
move_context.py  what a move is judged by, and the shapes of the table of moves
reconcile.py     THE MERGE: one record compared with its base, field by field
clocks.py        when each side may have changed, and which edit is newer
ruling.py        what becomes of one record that was read
problem.py       every code that an operator can meet, with its words
names.py         names compared as people compare them
money.py         amounts of money, rounded once
moments.py       times and lengths of time in words
backoff.py       a wait that grows from one try to the next
link.py          which CRM record is behind a deal, and what both sides last agreed on
"""
