"""HTTP, for machines that ask and for the portal. Never a vendor's SDK, never SQL."""
