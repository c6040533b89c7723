"""What people did, what all portals are like, and what goes after its time."""
