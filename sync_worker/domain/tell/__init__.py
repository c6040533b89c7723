"""What the portal and its people are told of."""
