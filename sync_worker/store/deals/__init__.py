"""Deals, their CRM records, conflicts, quotes and licences."""
