"""Screens for the vendor's admin: second partners, what is under them, and what was agreed.

distributors.py  second partners with their subgroups
terms.py         the dated terms and the agreements of two companies
"""
