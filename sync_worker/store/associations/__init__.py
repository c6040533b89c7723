"""What associations follow from, now and before.

associations.py  contract values, each with the second partner that it is bound to
rule_members.py  which company holds which key of which rule
rule_names.py    companies that rules name, each bound once to an id
evaluations.py   which evaluation of the rules counts, and which is under way
history.py       contracts that have ended, and how companies were before
tables.py        the tables of this folder
"""
