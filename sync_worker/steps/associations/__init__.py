"""Who may work with whom, by contract or by rule."""
