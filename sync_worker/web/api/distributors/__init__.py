"""Addresses of subgroups, terms and agreements.

distributors.py        /companies/{id}/subgroups, /terms, /agreements
distributor_shapes.py  their bodies
"""
