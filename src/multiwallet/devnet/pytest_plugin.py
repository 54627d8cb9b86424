"""Pytest plugin of multiwallet: fixtures over the embedded devnet."""
