"""The users of a portal, and who may speak for them."""
