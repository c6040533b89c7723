"""What a distributor does for the partners below it.

subgroups.py      a distributor makes, promotes and releases subgroups; their members add members
parents.py        whose subgroup a company is, and which of its deals name that distributor
agree.py          terms are set and agreements filed; a registration may need both
company_words.py  what the portal writes about a company to the CRM
"""
