"""From the portal to the CRM: what is owed is claimed, sent, settled, read back."""
