"""Secret: bytes that can be owned, wiped and used, but not shown by accident. And errors that keep as quiet."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from functools import wraps
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, Self, TypeVar, cast

from .errors import InvalidKey, MultiwalletError

__all__ = ["Secret", "discreet"]

P = ParamSpec("P")
T = TypeVar("T")


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """A function that is given secrets, and whose refusals start their traceback outside of it.

    Tools that print tracebacks with local variables (``rich``, debuggers, error reporters) would print a
    passphrase or a phrase otherwise, long after it was refused. Errors of the tree are treated so, and the
    ``TypeError`` of an argument of another type.

    >>> @discreet
    ... def refuse(passphrase):
    ...     raise MultiwalletError("no")
    >>> import traceback
    >>> try:
    ...     refuse(" ".join(["correct", "horse"]))
    ... except MultiwalletError as error:
    ...     shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    ...     "correct horse" in "".join(shown.format())
    False
    """

    @wraps(function)
    def call(*given: Any, **named: Any) -> T:
        try:
            return function(*given, **named)
        except (MultiwalletError, TypeError) as error:
            failure = error.with_traceback(None)
        given, named = (), {}
        failure.__context__ = failure.__cause__ = None
        raise failure

    return cast("Callable[P, T]", call)


class Secret:
    """Secret bytes of any length, in a buffer that this object owns and wipes.

    It prints as ``Secret(…)`` and refuses ``pickle``, ``copy``, ``hash`` and ``format``. The one way to
    the bytes is :meth:`expose`. ``close()`` (or the end of a ``with`` block, or the garbage collector)
    overwrites the buffer with zeros; what Python copied elsewhere before is out of reach.

    Raises ``TypeError`` for anything but ``bytes``, ``bytearray`` or ``memoryview``.

    >>> key = Secret(bytes(32))
    >>> key
    Secret(…)
    >>> len(key), len(key.expose())
    (32, 32)
    >>> key.close()
    >>> key.expose()
    Traceback (most recent call last):
        ...
    multiwallet.errors.InvalidKey: this secret has been wiped; load the key again
    """

    __slots__ = ("__weakref__", "_buffer", "_closed")
    __hash__ = None  # type: ignore[assignment]  # a secret must not become a dictionary key

    @discreet
    def __init__(self, value: bytes | bytearray | memoryview) -> None:
        self._closed = True
        if not isinstance(value, bytes | bytearray | memoryview):
            raise TypeError(f"a Secret is made of bytes, not {type(value).__name__}")
        self._buffer = bytearray(value)
        self._closed = False

    def expose(self) -> bytes:
        """Return the secret as ``bytes``: a copy that this object can no longer wipe.

        Raises :class:`~multiwallet.errors.InvalidKey` once the secret has been closed.
        """
        value = bytes(self._buffer)
        if self._closed:  # looked at after the copy: another thread may have begun to wipe before it
            raise InvalidKey("this secret has been wiped; load the key again")
        return value

    @property
    def closed(self) -> bool:
        """Whether the buffer has been wiped."""
        return self._closed

    def close(self) -> None:
        """Overwrite the buffer with zeros. Safe to call twice."""
        self._closed = True
        buffer = getattr(self, "_buffer", None)
        if buffer is not None:
            for position in range(len(buffer)):
                buffer[position] = 0

    def __len__(self) -> int:
        return len(self._buffer)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return not self._closed and not other._closed and hmac.compare_digest(self._buffer, other._buffer)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> NoReturn:
        raise TypeError("a Secret is not for formatting; call expose() where the bytes are used")

    def __bytes__(self) -> NoReturn:
        raise TypeError("a Secret does not turn into bytes by itself; call expose()")

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError("a Secret cannot be copied or pickled; call expose() where the bytes are used")

    __copy__ = __deepcopy__ = __reduce__ = __reduce_ex__ = __getstate__ = _refuse
