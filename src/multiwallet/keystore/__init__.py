"""Keys of other wallets, in and out: :func:`load` reads a file of any format, :func:`dump` writes one.

>>> from multiwallet import keystore
>>> keystore.load("L44B5gGEpqEDRS9vVPz7QT35jcBG2r3CZwSwQ4fCewXAhAhqGVpP").address
'bc1qxaawn36yqen33svtcygqrrnf0rez7fxzq2xl3g'

The formats, what each holds and how it is written are told in docs/keystores.md.
"""

from .formats import FORMATS, Format, detect, dump, load
from .imported import AccountHint, ImportedKey

__all__ = ["FORMATS", "AccountHint", "Format", "ImportedKey", "detect", "dump", "load"]
