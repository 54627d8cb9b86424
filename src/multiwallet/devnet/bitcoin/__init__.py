"""Bitcoin in this process: Bitcoin Core's consensus code, with a mempool, an index, Core's RPC and Esplora around it."""

from .engine import BitcoinEngine

__all__ = ["BitcoinEngine"]
