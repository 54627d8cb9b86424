"""Hashes and curves: the only rooms that import native cryptography."""
