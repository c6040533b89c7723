"""The memory: SQLAlchemy Core on SQLite or PostgreSQL alike. One file per noun, functions over a transaction; no decisions, no network.

Every key begins with the portal, so tenants cannot meet. `engine.Store` gives the transactions, `tables` the truth about shapes.
"""
