"""Addresses of users."""
