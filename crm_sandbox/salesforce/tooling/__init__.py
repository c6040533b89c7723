"""The Tooling API, as far as custom fields go: create, read, change and query them.

metadata.py   what an admin's words about a field mean, and the other way round
fields.py     the custom fields of the org, by id
"""
