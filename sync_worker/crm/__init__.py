"""The outside: `port.py` is the shape every CRM has here, one folder per vendor fits its API to it. No database, no queue."""
