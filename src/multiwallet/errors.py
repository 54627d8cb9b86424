"""Every error that multiwallet raises, on one page.

::

    MultiwalletError
    ├── InputError (also ValueError)      what the caller handed over is wrong; nothing was done
    │   ├── InvalidAddress
    │   ├── InvalidMnemonic
    │   ├── InvalidPath
    │   ├── InvalidKey
    │   ├── InvalidTransaction
    │   ├── InvalidMessage
    │   ├── IdempotencyConflict          this key was used for another request
    │   └── AmountError
    ├── Unsupported                       this chain or key cannot do that; no I/O happened
    ├── UnknownNetwork
    ├── MissingExtra                      an optional dependency is not installed
    ├── SigningRefused                    the signer will not sign this
    ├── ChainError                        the chain or its node said no
    │   ├── InsufficientFunds
    │   ├── Rejected
    │   ├── Reverted
    │   ├── Expired
    │   └── BroadcastUncertain            the outcome is unknown: ask about the txid, never sign anew
    ├── TransportError                    the network between us and the node failed
    │   ├── Timeout
    │   ├── Unreachable
    │   ├── RateLimited
    │   └── BadResponse
    ├── StoreError                        the database of payments cannot be read or written
    └── VaultError                        a vault cannot be opened or changed; its file is as it was
        ├── WrongCredentials
        ├── VaultDamaged
        └── VaultLocked

A message says what is wrong and what to do. It never holds a secret or the credentials of a URL.
``code`` is a stable text for programs and logs; the message may change between releases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from .amounts import Amount

__all__ = [
    "AmountError",
    "BadResponse",
    "BroadcastUncertain",
    "ChainError",
    "Expired",
    "IdempotencyConflict",
    "InputError",
    "InsufficientFunds",
    "InvalidAddress",
    "InvalidKey",
    "InvalidMessage",
    "InvalidMnemonic",
    "InvalidPath",
    "InvalidTransaction",
    "MissingExtra",
    "MultiwalletError",
    "RateLimited",
    "Rejected",
    "Reverted",
    "SigningRefused",
    "StoreError",
    "Timeout",
    "TransportError",
    "UnknownNetwork",
    "Unreachable",
    "Unsupported",
    "VaultDamaged",
    "VaultError",
    "VaultLocked",
    "WrongCredentials",
]


def shown(text: object) -> str:
    """A wrong text as a message may repeat it: whole if it is short and one word, else its length alone.

    People swap arguments, and then what stands in the place of a name is a key or a phrase.

    >>> shown("etherium"), shown("abandon abandon"), shown("ab" * 32)
    ("'etherium'", 'a text of 15 characters', 'a text of 64 characters')
    """
    if not isinstance(text, str):
        return f"a value of type {type(text).__name__}"
    if len(text) <= 24 and text.isprintable() and " " not in text:
        return repr(text)
    return f"a text of {len(text)} characters"


class MultiwalletError(Exception):
    """The root of the tree: catch this to catch everything the library raises on purpose."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str = "") -> None:
        super().__init__(message)

    @property
    def message(self) -> str:
        """What is wrong and what to do, in plain text without secrets."""
        return str(self.args[0]) if self.args else ""


class InputError(MultiwalletError, ValueError):
    """What the caller handed over is wrong. Nothing was signed, sent or changed."""

    code = "invalid_input"


class InvalidAddress(InputError):
    """A text that is no address of the network it was given for."""

    code = "invalid_address"


class InvalidMnemonic(InputError):
    """A phrase that is no BIP-39 mnemonic. The message never repeats the whole phrase."""

    code = "invalid_mnemonic"


class InvalidPath(InputError):
    """A derivation path that cannot be read, or that the curve cannot follow."""

    code = "invalid_path"


class InvalidKey(InputError):
    """A private, public or extended key that cannot be read. The message never holds the key."""

    code = "invalid_key"


class InvalidTransaction(InputError):
    """Bytes or fields that are no transaction of the network, or that contradict themselves."""

    code = "invalid_transaction"


class InvalidMessage(InputError):
    """A message or typed-data object that cannot be signed as it stands."""

    code = "invalid_message"


class AmountError(InputError):
    """An amount that is no exact number of the asset's smallest unit, or a mix of assets."""

    code = "invalid_amount"


class IdempotencyConflict(InputError):
    """The idempotency key belongs to another request. Nothing was done for this one."""

    code = "idempotency_conflict"


class Unsupported(MultiwalletError):
    """This chain, account or signer cannot do that. Raised before any I/O."""

    code = "unsupported"


class UnknownNetwork(MultiwalletError):
    """No row of the network table has this name, alias or CAIP-2 id."""

    code = "unknown_network"


class MissingExtra(MultiwalletError):
    """An optional dependency is not installed.

    ``extra`` is the name to install: ``pip install "multiwallet-sdk[extra]"``.
    """

    code = "missing_extra"

    def __init__(self, message: str = "", *, extra: str = "") -> None:
        super().__init__(message or f'this needs an optional part: pip install "multiwallet-sdk[{extra}]"')
        self.extra = extra


class SigningRefused(MultiwalletError):
    """The signer will not sign: wrong network, wrong sender, no private key, or a failed self-check."""

    code = "signing_refused"


class ChainError(MultiwalletError):
    """The chain, or the node that speaks for it, said no."""

    code = "chain_error"


class InsufficientFunds(ChainError):
    """The account holds less than the transaction needs. ``needed`` includes the fee."""

    code = "insufficient_funds"

    def __init__(self, message: str = "", *, needed: Amount | None = None, available: Amount | None = None) -> None:
        super().__init__(message or f"needed {needed}, available {available}")
        self.needed = needed
        self.available = available


class Rejected(ChainError):
    """The node understood the request and refused it.

    ``node_code`` is the node's own error code (a JSON-RPC code or an HTTP status) and ``data`` what it
    added, both as the node sent them.
    """

    code = "rejected"

    def __init__(self, message: str = "", *, node_code: int | str | None = None, data: object = None) -> None:
        super().__init__(message)
        self.node_code = node_code
        self.data = data


class Reverted(ChainError):
    """The transaction was executed and failed on chain, or a simulation says that it would."""

    code = "reverted"

    def __init__(self, message: str = "", *, txid: str | None = None, reason: str | None = None) -> None:
        super().__init__(message)
        self.txid = txid
        self.reason = reason


class Expired(ChainError):
    """The transaction can no longer be included: its block hash or its expiration has passed."""

    code = "expired"

    def __init__(self, message: str = "", *, txid: str | None = None) -> None:
        super().__init__(message)
        self.txid = txid


class BroadcastUncertain(ChainError):
    """The transaction was sent and no answer came: it may or may not be on its way.

    Ask about ``txid`` or broadcast the same bytes again. Never sign a new transaction before one of
    the two has settled it.
    """

    code = "broadcast_uncertain"

    def __init__(self, message: str = "", *, txid: str = "") -> None:
        super().__init__(message or f"no answer to the broadcast of {txid}: ask about it or send the same bytes again")
        self.txid = txid


class TransportError(MultiwalletError):
    """The network between this program and the node failed."""

    code = "transport_error"


class Timeout(TransportError):
    """No answer within the time allowed."""

    code = "timeout"


class Unreachable(TransportError):
    """No connection to any endpoint could be made."""

    code = "unreachable"


class RateLimited(TransportError):
    """The endpoint limits this client. ``retry_after`` is in seconds where the endpoint said."""

    code = "rate_limited"

    def __init__(self, message: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BadResponse(TransportError):
    """The endpoint answered something that is no answer: HTML, null, broken JSON, another chain."""

    code = "bad_response"


class StoreError(MultiwalletError):
    """The database of payments cannot be read or written. What it had committed is kept."""

    code = "store_error"


class VaultError(MultiwalletError):
    """A vault cannot be opened, read or changed. Its file is as it was."""

    code = "vault_error"


class WrongCredentials(VaultError):
    """No slot of the vault opens with the passphrase, key file or other factors given."""

    code = "wrong_credentials"


class VaultDamaged(VaultError):
    """The file is no vault, or not as it was written: cut off, altered, or put together from several."""

    code = "vault_damaged"


class VaultLocked(VaultError):
    """The vault was closed or its time is up, or another process is writing it."""

    code = "vault_locked"
