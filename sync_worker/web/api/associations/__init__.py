"""Addresses of companies.

companies.py       /companies, whom each may work with, and why or why not
company_views.py   a company as one portal shows it
company_shapes.py  bodies of companies and of associations
"""
