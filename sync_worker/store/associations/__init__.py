"""Contract values, rules' members, and how it was before."""
