"""A signed Solana transaction whose id is written out when somebody asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ...codec import base58
from ...transactions import SignedTransaction

if TYPE_CHECKING:
    from ...chain import Chain, Network

__all__ = ["SignedSolanaTransaction"]

_NOTHING: Final = bytes(64)


class SignedSolanaTransaction(SignedTransaction):
    """A :class:`~multiwallet.transactions.SignedTransaction` that reads its id from its own bytes.

    The id is the first signature in base58, which costs several times what the rest of sealing a transaction
    does; a batch that never looks at it never pays for it. Empty while the fee payer's signature is missing.
    """

    __slots__ = ()

    def __init__(
        self, chain: Chain, network: Network, raw: bytes, complete: bool = True, expiry: int | None = None
    ) -> None:
        # The parent is frozen: its slots are set past __setattr__, directly, which is what makes this quick.
        _set_chain(self, chain)
        _set_network(self, network)
        _set_raw(self, raw)
        _set_complete(self, complete)
        _set_expiry(self, expiry)

    @property
    def txid(self) -> str:
        """The id that explorers show: the first signature in base58."""
        raw = self.raw
        start = 1 if raw[0] < 0x80 else 2
        signature = raw[start : start + 64]
        return "" if signature == _NOTHING else base58.encode(signature)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.chain, self.network, self.raw, self.complete, self.expiry)


_set_chain: Final[Any] = SignedTransaction.__dict__["chain"].__set__
_set_network: Final[Any] = SignedTransaction.__dict__["network"].__set__
_set_raw: Final[Any] = SignedTransaction.__dict__["raw"].__set__
_set_complete: Final[Any] = SignedTransaction.__dict__["complete"].__set__
_set_expiry: Final[Any] = SignedTransaction.__dict__["expiry"].__set__
