"""The promises of conftest.py: tests stay on this machine, and in CI a skip is a failure."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

OUTSIDE = ("192.0.2.1", 9)  # TEST-NET-1 (RFC 5737): nobody lives there


def test_connections_beyond_this_machine_fail():
    with socket.socket() as outgoing, pytest.raises(ConnectionRefusedError, match="stay on this machine"):
        outgoing.connect(OUTSIDE)
    with pytest.raises(socket.gaierror, match="stay on this machine"):
        socket.getaddrinfo("node.example", 443)


def test_connections_within_this_machine_work():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as connection:
            assert connection.getpeername() == server.getsockname()
        assert socket.getaddrinfo("localhost", server.getsockname()[1])


def test_child_processes_stay_on_this_machine_too():
    program = f"import socket; socket.create_connection({OUTSIDE!r}, timeout=5)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode != 0
    assert "tests stay on this machine" in ended.stderr


def test_nobodys_settings_are_seen():
    home = Path(os.environ["HOME"])
    assert home == Path.home()
    assert "multiwallet-tests-" in home.name
    assert not [name for name in os.environ if name.startswith("MULTIWALLET_") and name != "MULTIWALLET_NO_SKIPS"]


@pytest.mark.parametrize(("setting", "code"), [("1", 1), ("", 0)])
def test_a_skip_fails_where_nothing_may_be_skipped(tmp_path, setting, code):
    conftest = Path(__file__).with_name("conftest.py")
    (tmp_path / "conftest.py").write_text(conftest.read_text().replace("__file__", repr(str(conftest))))
    (tmp_path / "test_one.py").write_text("import pytest\ndef test_one():\n    pytest.skip('no moon today')\n")
    (tmp_path / "test_two.py").write_text("import pytest\npytest.importorskip('nosuchmodule')\n")
    (tmp_path / "test_three.py").write_text("import pytest\n@pytest.mark.xfail\ndef test_three():\n    assert 0\n")
    (tmp_path / "test_four.py").write_text("def test_four():\n    pass\n")
    ended = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "--continue-on-collection-errors", "-c", os.devnull, str(tmp_path)],
        env=os.environ | {"MULTIWALLET_NO_SKIPS": setting},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == code, ended.stdout
    assert "no moon today" in ended.stdout
    assert "nosuchmodule" in ended.stdout
    expected = "1 failed, 1 passed, 1 xfailed, 1 error" if setting else "1 passed, 2 skipped, 1 xfailed"
    assert expected in ended.stdout
