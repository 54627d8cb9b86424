"""Stacks as a family of multiwallet. Installed beside it, ``wallet.account("stacks")`` works.

>>> from multiwallet import Wallet
>>> words = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
>>> Wallet.from_mnemonic(words).account("stacks").address
'SPC5KHM41H6WHAST7MWWDD807YSPRQKJ69FSH54J'
"""

from .adapter import Stacks

__all__ = ["Stacks"]
