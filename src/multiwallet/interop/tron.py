"""Bridge to tronpy: keys in both directions, and our signature on tronpy's transactions. Needs the extra ``tron``.

tronpy signs the txID that a node supplied. :func:`sign` computes it from what the transaction says, and
refuses one that says something else than its txID stands for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..account import Account, AsyncAccount
from ..errors import InputError, InvalidTransaction
from ..transactions import SignedTransaction
from ..wallet import Wallet
from .keys import library, private_key

if TYPE_CHECKING:
    from tronpy.keys import PrivateKey  # type: ignore[import-untyped]  # tronpy ships no types
    from tronpy.tron import Transaction  # type: ignore[import-untyped]  # tronpy ships no types

__all__ = ["async_sign", "from_private_key", "sign", "to_private_key"]


def to_private_key(account: Account | AsyncAccount) -> PrivateKey:
    """A tronpy ``PrivateKey`` with the key of a TRON account.

    THIS EXPORTS THE PRIVATE KEY: the result holds it, PRINTING IT SHOWS IT, and nothing wipes it. To sign a
    transaction that tronpy built, :func:`sign` leaves the key in its wallet. Raises SigningRefused for a
    watch-only account, InputError for one of another family, MissingExtra without tronpy.

    >>> from multiwallet import Wallet
    >>> account = Wallet.from_seed(bytes(32)).account("tron")
    >>> to_private_key(account).public_key.to_base58check_address() == account.address
    True
    """
    keys = library("tronpy.keys", "tron")
    with private_key(account, "tron", "a PrivateKey") as key:
        made: PrivateKey = keys.PrivateKey(key.expose())
    return made


def from_private_key(key: PrivateKey, **options: Any) -> Wallet:
    """A wallet that holds the key of a tronpy ``PrivateKey``; it serves every TRON network.

    THIS COPIES THE PRIVATE KEY. ``options`` are those of :meth:`multiwallet.Wallet.from_private_key`
    (``transport``, ``endpoints``). Raises InputError for what is no PrivateKey.

    >>> from tronpy.keys import PrivateKey
    >>> key = PrivateKey(bytes(31) + b"\\x01")
    >>> from_private_key(key).account("tron").address
    'TMVQGm1qAQYVdetCeGRRkTWYYrLXuHK2HC'
    """
    if not isinstance(key, library("tronpy.keys", "tron").PrivateKey):
        raise InputError(f"from_private_key takes a tronpy PrivateKey, not {type(key).__name__}")
    return Wallet.from_private_key("tron", key.to_bytes(), **options)


def sign(account: Account, transaction: Transaction) -> Transaction:
    """Sign a tronpy ``Transaction`` with our account, beside the signatures it has; returns the same object.

    The txID is computed from the raw data and compared with the stated one. A memo that tronpy's offline build
    left out of its txID is found here. No key is exported, and remote signers work. Raises InvalidTransaction
    where the parts contradict each other, SigningRefused where the account is not the owner.
    """
    if isinstance(account, AsyncAccount):
        raise InputError("an asynchronous account signs with async_sign()")
    return _signed(transaction, account.sign(_checked(transaction)))


async def async_sign(account: AsyncAccount, transaction: Transaction) -> Transaction:
    """As :func:`sign`, with an asynchronous account; takes tronpy's ``AsyncTransaction`` as well."""
    return _signed(transaction, await account.sign(_checked(transaction)))


def _checked(transaction: Any) -> dict[str, Any]:
    """The node's JSON form. Our own adapter holds its parts against each other."""
    library("tronpy", "tron")
    raw, txid, found = (getattr(transaction, name, None) for name in ("_raw_data", "txid", "_signature"))
    if not isinstance(raw, dict) or not isinstance(txid, str):
        raise InputError(f"a tronpy Transaction is signed here, not {type(transaction).__name__}")
    if not txid:
        raise InvalidTransaction("the transaction has no txID yet: let tronpy build() it first")
    return {"txID": txid, "raw_data": raw, "signature": list(found or [])}


def _signed(transaction: Any, signed: SignedTransaction) -> Any:
    transaction.set_signature(list(signed.to_wire()["signature"]))
    return transaction
