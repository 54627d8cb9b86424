"""What every sender needs, loaded once: processes are forked from one that has imported this."""

from __future__ import annotations

from importlib import import_module
from typing import Final

_MODULES: Final = (
    "alembic.command",
    "coincurve",
    "httpx2",
    "nacl.bindings",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.dialects.sqlite",
    "psycopg",
    "multiwallet.chains.bitcoin.adapter",
    "multiwallet.chains.evm.adapter",
    "multiwallet.chains.solana.adapter",
    "multiwallet.chains.tron.adapter",
    "multiwallet.keys.keychain",
    "multiwallet.keys.mnemonic",
    "multiwallet.outbox.operations",
    "multiwallet.outbox.outbox",
    "multiwallet.store.store",
    "multiwallet.store.nonces",
    "multiwallet.transport",
    "chaos.sender",
)
for name in _MODULES:
    import_module(name)
import_module("multiwallet.transport")._trusted(None, None)  # the certificates, which take a tenth of a second
