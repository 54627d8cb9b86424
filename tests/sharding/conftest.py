"""Executors of every kind: threads, processes (spawn and forkserver), and a Dask cluster of two real processes."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:  # the workers inherit it, and find the functions of sharding_workers there
    sys.path.append(HERE)

KINDS = ["threads", "spawn", "forkserver", "dask"]


@contextlib.contextmanager
def dask_client(**options: Any) -> Iterator[Any]:
    """A client of a LocalCluster: two worker processes on the loopback interface, free ports, no dashboard."""
    distributed = pytest.importorskip("distributed", reason="the extra dask is not installed")
    with (
        distributed.LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            scheduler_port=0,
            dashboard_address="127.0.0.1:0",
            worker_dashboard_address=None,
            scheduler_kwargs={"dashboard": False},
            memory_limit=0,
            silence_logs=50,
            **options,
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@contextlib.contextmanager
def open_executor(kind: str) -> Iterator[Executor]:
    if kind == "threads":
        with ThreadPoolExecutor(2) as pool:
            yield pool
    elif kind == "dask":
        with dask_client() as client:
            yield client.get_executor()
    else:
        with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(kind)) as pool:
            yield pool


@pytest.fixture(scope="session", params=KINDS)
def executor(request: pytest.FixtureRequest) -> Iterator[tuple[str, Executor]]:
    """(kind, executor), each opened once for all tests."""
    with open_executor(request.param) as opened:
        yield request.param, opened


@pytest.fixture(scope="session")
def processes() -> Iterator[Executor]:
    with open_executor("spawn") as opened:
        yield opened


@pytest.fixture
def open_dask() -> Any:
    """A cluster of one's own, to do harm to."""
    return dask_client


@pytest.fixture(scope="session")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("keys") / "words"
    path.write_text("test test test test test test test test test test test junk")
    os.chmod(path, 0o600)
    return str(path)


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    folder = tmp_path / "diary"
    folder.mkdir()
    return folder


@pytest.fixture(autouse=True)
def _wiped() -> Iterator[None]:
    from multiwallet.sharding import close_accounts

    yield
    close_accounts()
