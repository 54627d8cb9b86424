"""The questions that are put to Sui's GraphQL RPC, in its schema's terms."""

from __future__ import annotations

from typing import Final

__all__ = ["BALANCE", "COINS", "EXECUTE", "HEAD", "METADATA", "SIMULATE", "SPENT", "TRANSACTION"]

HEAD: Final = "query { chainIdentifier epoch { epochId referenceGasPrice } checkpoint { sequenceNumber } }"
"""Where the chain stands."""

COINS: Final = """query ($owner: SuiAddress!, $type: String!, $first: Int!, $after: String) {
  address(address: $owner) {
    objects(first: $first, after: $after, filter: { type: $type }) {
      pageInfo { hasNextPage endCursor }
      nodes { address version digest contents { type { repr } bcs } }
    }
  }
}"""
"""A page of an owner's coins of one type."""

BALANCE: Final = """query ($owner: SuiAddress!, $type: String!) {
  address(address: $owner) { balance(coinType: $type) { totalBalance coinBalance addressBalance } }
}"""
"""What an owner has of one coin type."""

METADATA: Final = "query ($type: String!) { coinMetadata(coinType: $type) { symbol decimals } }"
"""A coin type's symbol and decimals."""

_EFFECTS: Final = """{
  digest status epoch { epochId } checkpoint { sequenceNumber } executionError { message }
  gasEffects { gasSummary { computationCost storageCost storageRebate } }
}"""

SIMULATE: Final = f"""query ($transaction: JSON!) {{
  simulateTransaction(transaction: $transaction) {{ effects {_EFFECTS} }}
}}"""
"""What a transaction would come to."""

EXECUTE: Final = f"""mutation ($transaction: Base64!, $signatures: [Base64!]!) {{
  executeTransaction(transactionDataBcs: $transaction, signatures: $signatures) {{ effects {_EFFECTS} }}
}}"""
"""Hands a signed transaction over, and waits until it is final."""

TRANSACTION: Final = f"query ($digest: String!) {{ transactionEffects(digest: $digest) {_EFFECTS} }}"
"""What a transaction came to."""

SPENT: Final = """query ($object: SuiAddress!, $version: UInt53!, $digest: String!) {
  objectVersions(address: $object, first: 1, filter: { afterVersion: $version }) {
    nodes { version previousTransaction { digest effects { checkpoint { sequenceNumber } } } }
  }
  object(address: $object, version: $version) { version }
  present: object(address: $object) { version }
  transactionEffects(digest: $digest) { digest }
}"""
"""Which transaction made an object's next version, whether it has one now, and whether a transaction is known."""
