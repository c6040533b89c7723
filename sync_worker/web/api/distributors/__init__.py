"""Addresses of subgroups, terms and agreements."""
