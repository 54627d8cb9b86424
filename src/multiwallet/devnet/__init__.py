"""The devnet: engines and ledgers of nine families, for demos and for the tests of what you build.

It needs the extra ``devnet``, and for EOS ``nodeos``. Nothing here opens a socket unless :mod:`multiwallet.devnet.server` is asked to.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .devnet import Devnet as Devnet

__all__ = ["Devnet"]


def __getattr__(name: str) -> Any:
    # The pytest plugin lives in this package, and every run of pytest imports it: loading waits until it is asked for.
    if name == "Devnet":
        from .devnet import Devnet

        globals()[name] = Devnet
        return Devnet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
