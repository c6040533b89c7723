"""Screens for the vendor's admin: who may work with whom.

companies.py        the companies of the portal
company.py          one company with its associations, and one pair explained
contract_values.py  what each contract value stands for; a person binds one by hand
rules.py            what each rule says, and what other rules would do
graph.py            where the companies of the small graph stand
"""
