"""The command line ``multiwallet``: the library's verbs for a shell. It needs the extra ``cli``.

What a command found goes to stdout: text for people, or with ``--json`` one JSON document (one a line where a
command streams). Everything else goes to stderr: progress, questions, warnings and errors. With ``--json`` an
error is ``{"error": {"code": ..., "message": ...}}``, where ``code`` is that of :mod:`multiwallet.errors`, or
``usage``, ``declined``, ``interrupted`` or ``internal``; a ``txid`` stands beside them once there is one.

A mnemonic, passphrase or private key is never an argument: it comes from a hidden prompt, a file that only its
owner can read, stdin, or the environment variables ``MULTIWALLET_MNEMONIC`` and ``MULTIWALLET_PASSPHRASE``.

Exit codes::

     0  done
     1  a fault of this program
     2  wrong options or arguments
     3  invalid input: an address, amount, key, phrase, path, transaction or file
     4  not supported here, or an unknown network
     5  an optional part is not installed
     6  signing refused: another network or sender, or a watch-only wallet
     7  insufficient funds
     8  rejected by the node
     9  the transaction was included and failed, or would fail
    10  the transaction expired
    11  broadcast with unknown outcome: ask about the txid, do not send anew
    12  the endpoint cannot be reached, is too slow, or answers nonsense
    13  the signature of a message is not valid
    14  some of several items failed
    15  not confirmed at the terminal
    16  a vault cannot be opened or changed
    17  the store cannot be read or written
   130  interrupted
"""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> None:
    """Run a command line (``sys.argv`` without its first item by default) and end the process with its exit code.

    It can be imported without the extra ``cli``, and then says what to install.

    >>> main(["--version"])
    Traceback (most recent call last):
        ...
    SystemExit: 0
    """
    given = sys.argv[1:] if arguments is None else arguments
    try:
        from . import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] not in ("rich", "typer"):
            raise
        sys.exit(_say_missing(as_json="--json" in given))
    sys.exit(app.run(given))


def _say_missing(*, as_json: bool) -> int:
    from ..errors import MissingExtra

    error = MissingExtra('the command line is an optional part: pip install "multiwallet-sdk[cli]"', extra="cli")
    if as_json:
        import json

        print(json.dumps({"error": {"code": error.code, "message": error.message, "extra": "cli"}}), file=sys.stderr)
    else:
        print(f"multiwallet: {error.message}", file=sys.stderr)
    return 5
