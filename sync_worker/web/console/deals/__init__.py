"""Screens for the vendor's admin: deals.

deals.py     the pipeline: how many deals stand where, and the deals one by one
deal.py      one deal: both approvals, its way, its history, why each field is what it is, and the moves
correct.py   one deal corrected: fields, owner in the partner's company, a signature
way.py       the way of a deal as pictures
insights.py  how many deals there are and what they are worth, by one thing that they have in common
prices.py    the price list: see it, change a price
filters.py   what an address says about which deals are wanted
amounts.py   amounts as people read them
"""
