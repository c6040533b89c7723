"""Subgroups, terms and agreements of pairs of companies."""
