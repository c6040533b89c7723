"""Who sees which deals, and for whom a person may act."""
