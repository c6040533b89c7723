"""Screens for the vendor's admin: who may work with whom.

companies.py  the companies of the portal
"""
