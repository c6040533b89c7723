"""Subgroups, their parent, terms and uploaded agreements."""
