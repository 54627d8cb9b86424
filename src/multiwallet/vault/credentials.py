"""What a person brings to a vault: a passphrase, a key file, a key of their own, and so on, in any combination."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, NoReturn, TypeAlias

from ..errors import InputError, InvalidKey, VaultError
from ..secret import Secret

if TYPE_CHECKING:
    from .fido2_factor import HmacSecretDevice

__all__ = ["Credentials", "FileName", "Key", "read_key_file", "recipient_public_key"]

FileName: TypeAlias = "str | os.PathLike[str]"
Key: TypeAlias = "str | bytes | Secret"

_LONGEST_PASSPHRASE: Final = 4096
_SHORTEST_KEY_FILE: Final = 32
_LONGEST_KEY_FILE: Final = 1024 * 1024


class Credentials:
    """The factors somebody gives, to make a slot or to open one.

    ``recipient`` is a public key (to make a slot), ``recipient_key`` the private one (to open it): 32 bytes, or
    64 hex digits. Raises :class:`~multiwallet.errors.InputError` and :class:`~multiwallet.errors.VaultError` for
    what cannot be a factor. It prints as the names of its factors.

    >>> Credentials(passphrase="correct horse", keyring=True)
    <credentials: passphrase, keyring>
    """

    __slots__ = ("fido2", "key_file", "keyring", "passphrase", "recipient", "recipient_key", "shares")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    def __init__(
        self,
        *,
        passphrase: str | Secret | None = None,
        key_file: FileName | None = None,
        keyring: bool = False,
        recipient: str | bytes | None = None,
        recipient_key: Key | None = None,
        fido2: HmacSecretDevice | None = None,
        shares: Sequence[str] | None = None,
    ) -> None:
        self.passphrase: Secret | None = None
        self.key_file: Secret | None = None
        self.recipient: bytes | None = None
        self.recipient_key: Secret | None = None
        self.shares: Secret | None = None
        self.keyring = keyring
        self.fido2 = fido2
        if passphrase is not None:
            self.passphrase = _passphrase(passphrase)
        if key_file is not None:
            self.key_file = read_key_file(key_file)
        if recipient is not None:
            self.recipient = _public_key(recipient)
        if recipient_key is not None:
            self.recipient_key = _private_key(recipient_key)
        if shares is not None:
            self.shares = _master_secret(shares)

    @property
    def given(self) -> list[str]:
        """The names of the factors."""
        names = {
            "passphrase": self.passphrase,
            "key file": self.key_file,
            "keyring": self.keyring or None,
            "recipient key": self.recipient_key or self.recipient,
            "FIDO2": self.fido2,
            "recovery shares": self.shares,
        }
        return [name for name, value in names.items() if value is not None]

    def close(self) -> None:
        """Wipe the secrets among them. Safe to call twice."""
        for secret in (self.passphrase, self.key_file, self.recipient_key, self.shares):
            if secret is not None:
                secret.close()

    def __enter__(self) -> Credentials:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<credentials: {', '.join(self.given) or 'none'}>"

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("credentials cannot be copied or pickled: they hold secrets")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse


def _passphrase(text: str | Secret) -> Secret:
    if isinstance(text, Secret):
        return _passphrase(text.expose().decode("utf-8", "replace"))
    if not isinstance(text, str):
        raise InputError(f"a passphrase is text, not {type(text).__name__}")
    if not text:
        raise InputError("the passphrase of a vault cannot be empty")
    if len(text) > _LONGEST_PASSPHRASE:
        raise InputError(f"a passphrase has at most {_LONGEST_PASSPHRASE} characters, and this text {len(text)}")
    try:
        return Secret(unicodedata.normalize("NFKD", text).encode())
    except UnicodeEncodeError:
        raise InputError("this passphrase holds half a surrogate pair, which is no Unicode text") from None


def read_key_file(name: FileName) -> Secret:
    """The content of a key file: 32 bytes to 1 MiB, readable by its owner alone.

    Raises :class:`~multiwallet.errors.VaultError`, which does not repeat the name (it could be the key itself).
    """
    try:
        descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0))
    except (OSError, ValueError) as error:
        raise VaultError(f"cannot open the key file: {getattr(error, 'strerror', None) or 'no file name'}") from None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise VaultError("the key file is no plain file")
        if os.name == "posix" and status.st_mode & 0o077:
            raise VaultError("the key file can be read by others than its owner: chmod 600 it")
        content = bytearray(_LONGEST_KEY_FILE + 1)
        with os.fdopen(descriptor, "rb", buffering=0, closefd=False) as file:
            size = file.readinto(content) or 0
    except OSError as error:
        raise VaultError(f"cannot read the key file: {error.strerror}") from None
    finally:
        os.close(descriptor)
    key = Secret(memoryview(content)[:size])
    content[:] = bytes(len(content))
    if not _SHORTEST_KEY_FILE <= size <= _LONGEST_KEY_FILE:
        key.close()
        raise VaultError(f"a key file has from {_SHORTEST_KEY_FILE} bytes to 1 MiB; this one has another size")
    return key


def _key_bytes(key: Key, what: str) -> bytes:
    if isinstance(key, Secret):
        key = key.expose()
    if isinstance(key, str):
        try:
            key = bytes.fromhex(key.strip())
        except ValueError:
            raise InvalidKey(f"{what} is 32 bytes or 64 hex digits; this text is neither") from None
    if len(key) != 32:
        raise InvalidKey(f"{what} has 32 bytes, not {len(key)}")
    return bytes(key)


def _public_key(key: str | bytes) -> bytes:
    from .sodium import x25519

    point = _key_bytes(key, "the public key of a recipient")
    if x25519(b"\x01" * 32, point) is None:
        raise InvalidKey("this public key of a recipient is of small order: it protects nothing")
    return point


def _private_key(key: Key) -> Secret:
    return Secret(_key_bytes(key, "the private key of a recipient"))


def recipient_public_key(private_key: Key) -> bytes:
    """The X25519 public key (32 bytes) of a recipient's private key (32 bytes or 64 hex digits).

    >>> recipient_public_key(bytes(32)).hex()[:16]
    '2fe57da347cd6243'
    """
    from .sodium import x25519_public

    return x25519_public(_key_bytes(private_key, "the private key of a recipient"))


def _master_secret(shares: Sequence[str]) -> Secret:
    from .shares import combine

    return combine(shares)
