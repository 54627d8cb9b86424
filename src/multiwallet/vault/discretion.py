"""Errors whose traceback holds no arguments: what was given as text cannot be wiped, but need not be shown."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from ..errors import MultiwalletError

__all__ = ["discreet"]

P = ParamSpec("P")
T = TypeVar("T")


def discreet(function: Callable[P, T]) -> Callable[P, T]:
    """A function that is given secrets, and whose errors of the tree start their traceback outside of it.

    Tools that print tracebacks with local variables (``rich``, debuggers, error reporters) would print a
    passphrase or a phrase otherwise, long after it was refused.

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
        except MultiwalletError as error:
            failure = error.with_traceback(None)
        given, named = (), {}
        failure.__context__ = None
        raise failure

    return cast("Callable[P, T]", call)
