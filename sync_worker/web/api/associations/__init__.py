"""Addresses of companies.

companies.py  /companies, whom each may work with, and why or why not
"""
