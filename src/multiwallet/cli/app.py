"""The application: every command in its place, and what becomes of errors."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, TypeVar

import typer

from ..errors import MultiwalletError
from . import batch, demo, devnet, discover, keys, keystore, messages, money, outbox, output, signing, vault
from .output import Declined, Failure

__all__ = ["application", "run"]

T = TypeVar("T")

_EXIT_CODES: Final = """\b
Exit codes:
  0 done                          8 rejected by the node
  1 a fault of this program       9 included and failed, or would fail
  2 wrong options                10 expired
  3 invalid input                11 broadcast, outcome unknown: ask, do not send anew
  4 unsupported, unknown network 12 endpoint unreachable, slow or answering nonsense
  5 optional part not installed  13 the signature of a message is not valid
  6 signing refused              14 some of several items failed
  7 insufficient funds           15 not confirmed at the terminal
                                16 a vault cannot be opened or changed
                                17 the store cannot be read or written
                                130 interrupted

\b
Environment:
  MULTIWALLET_MNEMONIC, MULTIWALLET_PASSPHRASE   the keys, where no option names others
  MULTIWALLET_VAULT_PASSPHRASE                   what unlocks --vault, where no option says otherwise
  MULTIWALLET_STORE                              the store of batch and outbox
  MULTIWALLET_NETWORKS                           TOML files with networks of your own
  MULTIWALLET_ENDPOINTS_ETHEREUM                 the URLs of a network (any name, dashes as underscores)
"""

_LONGEST_SHOWN: Final = 20

application = typer.Typer(
    name="multiwallet",
    help="One BIP-39 seed, many chains: addresses, balances, transfers, signatures. Try `multiwallet demo`.",
    epilog=_EXIT_CODES,
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks could show local variables, and those hold keys
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from .. import __version__

        print(f"multiwallet {__version__}")
        raise typer.Exit


@application.callback()
def _everything(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


class _Ended(Exception):
    """Carries an interruption past typer, which would otherwise end the process itself, in words of its own."""


def _guarded(command: Callable[..., T]) -> Callable[..., T]:
    @functools.wraps(command)
    def guarded(**given: Any) -> T:
        try:
            return command(**given)
        except (KeyboardInterrupt, BrokenPipeError) as error:
            raise _Ended from error

    return guarded


_COMMANDS: Final[tuple[tuple[str, Callable[..., Any], str], ...]] = (
    ("new", keys.new, "Make a new mnemonic."),
    ("derive", keys.derive, "Show addresses."),
    ("networks", keys.networks, "List the networks."),
    ("discover", discover.discover, "Find the accounts that a phrase has been used with."),
    ("balance", money.balance, "Show what is held, on several networks at once."),
    ("quote", money.quote, "Say what a transfer would cost."),
    ("build", money.build, "Make a transaction for signing elsewhere."),
    ("send", money.send, "Send money, after showing what will happen."),
    ("sign", signing.sign, "Sign a transaction, or many."),
    ("broadcast", signing.broadcast, "Hand a signed transaction to the network."),
    ("status", signing.status, "Say where a transaction stands."),
    ("sign-message", messages.sign_message, "Sign a message."),
    ("verify-message", messages.verify_message, "Check the signature of a message."),
    ("demo", demo.demo, "See seven chains at work, without any network."),
    ("devnet", devnet.devnet, "Run local chains over HTTP."),
)

for _name, _command, _help in _COMMANDS:
    application.command(_name, short_help=_help)(_guarded(_command))
application.add_typer(batch.app)
application.add_typer(outbox.app)
application.add_typer(vault.app)
application.add_typer(keystore.app)

# typer has exported the parents of BadParameter under different names over time.
_USAGE_ERROR: Final[type[Exception]] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "UsageError"
)


def run(arguments: list[str]) -> int:
    """Run one command line; its exit code. No error of the tree leaves a traceback, and none shows a secret."""
    as_json = "--json" in arguments
    command = typer.main.get_command(application)
    try:
        ended: Any = command.main(args=list(arguments), prog_name="multiwallet", standalone_mode=False)
        sys.stdout.flush()
        return ended if isinstance(ended, int) else 0
    except Failure as failure:
        return output.report(failure.error, as_json=as_json, known=failure.known)
    except MultiwalletError as error:
        return output.report(error, as_json=as_json)
    except Declined:
        output.report_error("declined", "not confirmed: nothing was signed", as_json=as_json)
        return output.DECLINED
    except (_Ended, KeyboardInterrupt, BrokenPipeError, typer.Abort) as ended_early:
        if isinstance(
            ended_early.__cause__ or ended_early, BrokenPipeError
        ):  # the reader of our output has seen enough
            output.silence_stdout()
            return 0
        output.report_error("interrupted", "interrupted", as_json=as_json)
        return output.INTERRUPTED
    except _USAGE_ERROR as error:
        return _report_usage(error, arguments, as_json=as_json)
    except Exception as error:  # noqa: BLE001  # the last line: no traceback, for its message may hold anything
        output.report_error("internal", f"{type(error).__name__} in {_place(error)}: please report it", as_json=as_json)
        return output.INTERNAL


def _report_usage(error: Any, arguments: list[str], *, as_json: bool) -> int:
    message = str(error.format_message())
    if not message:  # no command at all: the help is on the screen already
        return output.USAGE
    if "unexpected extra argument" in message:  # it would repeat them, and one may be the phrase
        message = "there are more arguments than this command takes; a mnemonic is never one"
    for argument in arguments:
        for part in (argument, argument.partition("=")[2]):
            if len(part) > _LONGEST_SHOWN or " " in part:  # nothing that long is a name: it may be a secret
                message = message.replace(part, "…")
    output.report_error("usage", message, as_json=as_json)
    context = getattr(error, "ctx", None)
    if context is not None and not as_json:
        output.note(f"see {context.command_path} --help")
    return output.USAGE


def _place(error: BaseException) -> str:
    """The file and line of ours that an unforeseen error came from, without its text."""
    import traceback

    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}multiwallet{os.sep}" in frame.filename]
    if not ours:
        return "an unknown place"
    return f"{os.path.basename(ours[-1].filename)}:{ours[-1].lineno}"
