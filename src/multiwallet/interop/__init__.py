"""Bridges to the libraries people already use. Each is imported when it is asked for."""
