"""Mnemonics, extended keys, and the forms that private keys are written in."""
