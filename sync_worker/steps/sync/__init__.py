"""The way of a record between CRM and portal. Reading stands below writing: `push` reads a record before it writes it.

read_by_id.py  batches of records whose ids are known, asked for side by side
ingest/        from the CRM to the portal
push/          from the portal to the CRM
"""
