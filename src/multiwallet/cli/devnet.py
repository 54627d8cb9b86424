"""``devnet``: the local engines over HTTP."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from .. import registry
from ..errors import InputError
from .keys import DEFAULT_NETWORKS
from .options import AsJson
from .output import note, print_json, print_text

if TYPE_CHECKING:
    from ..devnet import Devnet

__all__ = ["devnet"]

_VARIABLE: Final = "MULTIWALLET_ENDPOINTS_"


def devnet(
    network: Annotated[
        list[str] | None, typer.Option(metavar="NETWORK", help="A network; repeat for more. The four main ones else.")
    ] = None,
    host: Annotated[str, typer.Option(metavar="HOST", help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, metavar="N", help="The port; 0 takes a free one.")] = 0,
    fund: Annotated[
        list[str] | None,
        typer.Option(metavar="NETWORK:ADDRESS=AMOUNT", help="Give an address coins at the start; repeat for more."),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen where other machines can reach it.")
    ] = False,
    automine: Annotated[bool, typer.Option(help="A block for each transaction as it comes.")] = True,
    as_json: AsJson = False,
) -> None:
    """Run local chains on this machine and print their endpoints; Ctrl-C ends it.

    Every network of a family that has an engine can be run, under its own name and chain id. The coins are
    worthless, and anybody who reaches the port can use it.
    """
    from ..devnet import Devnet
    from ..devnet.server import serve

    rows = [registry.network(name) for name in network or DEFAULT_NETWORKS]
    with Devnet(automine=automine) as local:
        for item in fund or ():
            _fund(local, item)
        signal.signal(signal.SIGTERM, _stop)
        with serve(local, host=host, port=port, networks=rows, allow_remote=allow_remote) as server:
            try:
                _print(server.endpoints, as_json=as_json)
                server.wait()
            except KeyboardInterrupt:  # how it is meant to end
                if not as_json:
                    note("stopped")


def _stop(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _fund(local: Devnet, item: str) -> None:
    target, sign, amount = item.rpartition("=")
    network, colon, address = target.rpartition(":")
    if not (sign and colon and network and address and amount):
        raise InputError("--fund is NETWORK:ADDRESS=AMOUNT, such as ethereum:0x...=10")
    local.fund(address, amount, network=network)


def _print(endpoints: Any, *, as_json: bool) -> None:
    urls = {str(name): url for name, url in endpoints.items()}
    if as_json:
        print_json({"endpoints": urls}, compact=True)
        return
    for name, url in urls.items():
        print_text(f"{name:12} {url}")
    print_text()
    print_text("for programs that use multiwallet:")
    for name, url in urls.items():
        print_text(f"  export {_VARIABLE}{name.upper().replace('-', '_')}={url}")
