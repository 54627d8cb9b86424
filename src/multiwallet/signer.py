"""Signer: who makes signatures. A local key, a hardware wallet, a KMS: the rest of the library cannot tell."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol, assert_never

from .errors import SigningRefused
from .transactions import Scheme, SigningRequest

if TYPE_CHECKING:
    from .keys.keychain import Keychain, SigningKey
    from .path import Path

__all__ = ["LocalSigner", "Signer", "verify_signature"]

_ALL_CHECKED: Final = 8
_SAMPLE: Final = 16


class Signer(Protocol):
    """Anything that turns signing requests into signatures.

    ``sign`` returns one signature for each request, in order, of the length that
    :class:`~multiwallet.transactions.Scheme` gives, or raises
    :class:`~multiwallet.errors.SigningRefused`. Under an ``AsyncWallet`` it may be a coroutine.
    """

    def sign(self, requests: Sequence[SigningRequest]) -> list[bytes] | Awaitable[list[bytes]]:
        """Sign each request."""


class LocalSigner:
    """Signs with the private keys of a keychain in this process, and checks each signature it makes.

    Of more than eight requests at once (a transaction of many inputs) the first and every sixteenth signature
    is checked, since a check costs as much as a signature. RFC 6979 for ECDSA (with Bitcoin Core's low-R
    grinding, or EOSIO's canonical form, where a request asks for it), BIP-340 with fresh auxiliary randomness,
    RFC 8032 for ed25519, schnorrkel for sr25519.
    ``verify=False`` leaves the self-check out.
    """

    __slots__ = ("_keychain", "_verify")

    def __init__(self, keychain: Keychain, *, verify: bool = True) -> None:
        self._keychain = keychain
        self._verify = verify

    def sign(self, requests: Sequence[SigningRequest]) -> list[bytes]:
        """Sign each request; SigningRefused when a key is not here or a signature fails its check."""
        few = len(requests) <= _ALL_CHECKED
        ready: dict[tuple[Any, ...], Callable[[bytes], bytes]] = {}  # two hundred inputs may well be of one key
        signatures = []
        for number, request in enumerate(requests):
            wanted = (request.scheme, request.path, request.public_key, request.tweak)
            sign = ready.get(wanted)
            if sign is None:
                key = self._key(request.scheme, request.path, request.public_key)
                sign = ready[wanted] = _bare(key, request.scheme, request.tweak)
            signature = sign(request.message)
            if self._verify and (few or number % _SAMPLE == 0) and not verify_signature(request, signature):
                raise SigningRefused("a signature failed its own check and was thrown away: this machine may be faulty")
            signatures.append(signature)
        return signatures

    def digest_signer(self, scheme: Scheme, path: Path | None, public_key: bytes) -> Callable[[bytes], bytes]:
        """A bare function from the bytes to sign to the signature, for one key: the core of a batch.

        SigningRefused when the key at ``path`` is not the one of ``public_key``. The function skips the
        self-check: the batch verifies a sample.
        """
        return _bare(self._key(scheme, path, public_key), scheme, None)

    def close(self) -> None:
        """Wipe the keys."""
        self._keychain.close()

    def _key(self, scheme: Scheme, path: Path | None, public_key: bytes) -> SigningKey:
        key = self._keychain.signing_key(_curve(scheme), path)
        if not _same_key(key.public_key, public_key):
            raise SigningRefused(
                f"the key {'of this wallet' if path is None else f'at {path}'} is not the one that the transaction asks "
                "for: it belongs to another wallet, or its path is wrong"
            )
        return key

    def __repr__(self) -> str:
        return "LocalSigner(…)"


def verify_signature(request: SigningRequest, signature: bytes) -> bool:
    """Whether a signature answers a request: made by its public key over its message, low S where that counts."""
    from .crypto import ed25519, secp256k1

    message = request.message
    match request.scheme:
        case Scheme.ED25519:
            return ed25519.verify(request.public_key, message, signature)
        case Scheme.SCHNORR:
            key = secp256k1.xonly(request.public_key)
            if request.tweak is not None:
                key, _ = secp256k1.taproot_tweak_public(key, request.tweak or None)
            return secp256k1.verify_schnorr(key, message, signature)
        case Scheme.RECOVERABLE:
            if len(signature) != 65 or not secp256k1.verify(request.public_key, message, signature[:64]):
                return False
            return secp256k1.recover(signature, message) == secp256k1.compress(request.public_key)
        case Scheme.LOW_R:
            return len(signature) == 64 and secp256k1.verify(request.public_key, message, signature)
        case Scheme.CANONICAL:
            return (
                len(signature) == 65
                and secp256k1.is_canonical(signature[:64])
                and secp256k1.verify(request.public_key, message, signature[:64])
                and secp256k1.recover(signature, message) == secp256k1.compress(request.public_key)
            )
        case Scheme.SR25519:
            from .crypto import sr25519

            return sr25519.verify(request.public_key, message, signature)
        case Scheme.SECP256R1:
            from .crypto import secp256r1

            return secp256r1.verify(request.public_key, message, signature)
        case _ as never:
            assert_never(never)


def _curve(scheme: Scheme) -> str:
    match scheme:
        case Scheme.ED25519 | Scheme.SR25519 | Scheme.SECP256R1:
            return scheme.value
        case Scheme.RECOVERABLE | Scheme.LOW_R | Scheme.SCHNORR | Scheme.CANONICAL:
            return "secp256k1"
        case _ as never:
            assert_never(never)


def _same_key(ours: bytes, asked: bytes) -> bool:
    if ours == asked:
        return True
    if len(asked) == 65:  # an old Bitcoin key, uncompressed
        return asked[1:33] == ours[1:] and asked[-1] & 1 == ours[0] & 1
    return False


def _bare(key: SigningKey, scheme: Scheme, tweak: bytes | None) -> Callable[[bytes], bytes]:
    from .crypto.ed25519 import Ed25519Key
    from .crypto.secp256r1 import Secp256r1Key
    from .crypto.sr25519 import Sr25519Key

    if isinstance(key, Ed25519Key | Sr25519Key | Secp256r1Key):  # the keychain was asked for the scheme's own curve
        return key.signer()
    match scheme:
        case Scheme.RECOVERABLE:
            return key.recoverable_signer()
        case Scheme.CANONICAL:
            return key.canonical_signer()
        case Scheme.LOW_R:
            return key.low_r_signer()
        case Scheme.SCHNORR:
            sign = key.schnorr_signer(tweak)
            return lambda message: sign(message, None)
        case Scheme.ED25519 | Scheme.SR25519 | Scheme.SECP256R1:
            raise SigningRefused(f"a secp256k1 key cannot make {scheme.value} signatures")
        case _ as never:
            assert_never(never)
