"""Addresses of deals, their moves, quotes and prices."""
