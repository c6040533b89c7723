"""What a CRM record means for the portal's own, and how often a write is tried."""
