"""Addresses of an operator: conflicts, failures, replays, status."""
