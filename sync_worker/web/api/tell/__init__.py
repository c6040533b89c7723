"""The feed in the OpenAPI."""
