"""The way of a record between CRM and portal. Reading stands below writing: `push` reads a record before it writes it.

ingest/  from the CRM to the portal
push/    from the portal to the CRM
"""
