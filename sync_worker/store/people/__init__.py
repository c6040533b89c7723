"""Users, tokens, and answers that were given before."""
