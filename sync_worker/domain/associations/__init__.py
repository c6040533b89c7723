"""Who may work with whom: contracts and rules."""
