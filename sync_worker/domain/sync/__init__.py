"""Between the CRM and the portal, as `steps/sync` is cut.

ingest/  what a record that was read means for the portal's own record
push/    what a record owes the CRM, and what a write does when it fails
"""
