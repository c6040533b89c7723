"""A deal's lifecycle: registration, approvals, quotes, completion."""
