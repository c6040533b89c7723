"""What is owed to the CRM, and hints of what changed in it."""
