"""Logging in, whatever the CRM.

renewal.py  one token for all threads of a portal: log-in, renewal, refusals
consent.py  a person lets the worker in, and the refresh token that this leaves
"""
