"""What a distributor does for its resellers: subgroups, terms, agreements."""
