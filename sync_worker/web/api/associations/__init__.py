"""Addresses of companies and of whom each may work with."""
