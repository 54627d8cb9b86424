"""The devnet: real engines of four families in this process, for demos and for the tests of what you build.

It needs the extra ``devnet``. Nothing here opens a socket unless :mod:`multiwallet.devnet.server` is asked to.
"""

from .devnet import Devnet

__all__ = ["Devnet"]
