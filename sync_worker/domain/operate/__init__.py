"""Plans, recovery, status, erasure."""
