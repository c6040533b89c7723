"""From the CRM to the portal: pages are pulled or records refreshed, and what they say is stored."""
