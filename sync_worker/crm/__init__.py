"""The outside. `port.py` is the one shape every CRM has here; one folder per vendor fits its API to it. Never the database, never the queue."""
