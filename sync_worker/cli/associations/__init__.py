"""Commands about companies.

associations.py  associations: who may work with whom, and why
companies.py     companies: what the portal knows of each
"""
