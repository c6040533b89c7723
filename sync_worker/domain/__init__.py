"""PURE: values in, values out. No clock, no I/O, no logging, no SQL, no vendor: what two-tier distribution means, and nothing else."""
