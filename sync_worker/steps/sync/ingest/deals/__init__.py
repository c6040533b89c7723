"""Deals of one chunk: read, linked, merged, stored."""
