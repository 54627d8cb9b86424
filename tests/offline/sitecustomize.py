"""Keep this Python process on this machine: connections and name look-ups beyond the loopback interface fail.

tests/conftest.py loads this file and puts its folder on PYTHONPATH, so that the test process and every Python
program a test starts behave as on a machine without network.
"""

import sys


def is_loopback(host: object) -> bool:
    """Whether a connection to ``host`` (a name or an address, as sockets take them) stays on this machine.

    >>> [is_loopback(host) for host in ("127.0.0.1", "::1", "localhost", b"localhost", "", None)]
    [True, True, True, True, True, True]
    >>> [is_loopback(host) for host in ("1.1.1.1", "192.168.0.1", "node.example", "2606:4700::1111")]
    [False, False, False, False]
    """
    from ipaddress import ip_address

    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if text is None or text in ("", "localhost"):
        return True
    try:
        address = ip_address(str(text).partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refuse_the_world(event: str, args: tuple[object, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = args[-1]
        if isinstance(address, tuple) and not is_loopback(address[0]):
            raise ConnectionRefusedError(f"tests stay on this machine: refused to connect to {address[0]}")
    elif event == "socket.getaddrinfo" and not is_loopback(args[0]):
        from socket import EAI_NONAME, gaierror

        raise gaierror(EAI_NONAME, f"tests stay on this machine: refused to look up {args[0]!s}")


if not getattr(sys, "_multiwallet_offline", False):
    sys._multiwallet_offline = True  # type: ignore[attr-defined]  # one hook a process, however often this is loaded
    sys.addaudithook(refuse_the_world)
