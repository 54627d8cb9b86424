"""The back end of examples/backend as people run it: uvicorn, its supervisor and two worker processes."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "backend"
WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
TOKEN = "a-token-that-only-the-tests-know"

_found = importlib.util.spec_from_file_location("nodes_conftest", ROOT / "tests" / "nodes" / "conftest.py")
_nodes = importlib.util.module_from_spec(_found)
_found.loader.exec_module(_nodes)
start_anvil = _nodes.start_anvil


@pytest.fixture(autouse=True)
def own_loggers():
    """The application makes its loggers its own; they are given back."""
    loggers = [logging.getLogger(name) for name in ("multiwallet", "payments_backend")]
    before = [(logger.level, logger.propagate, list(logger.handlers)) for logger in loggers]
    yield
    for logger, (level, propagate, handlers) in zip(loggers, before, strict=True):
        logger.setLevel(level)
        logger.propagate = propagate
        logger.handlers[:] = handlers


class Service:
    """One supervisor with two workers on a free port; what they print is in ``log``."""

    def __init__(self, environment, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.headers = {"Authorization": f"Bearer {TOKEN}"}
        self._environment = os.environ | environment | {"PYTHONUNBUFFERED": "1"}
        self._log_path = folder / "service.log"
        self._log = self._log_path.open("wb")
        self._process = None
        self._killed = set()

    @property
    def log(self):
        return self._log_path.read_text(errors="replace")

    def start(self):
        command = [
            sys.executable, "-m", "uvicorn", "--factory", "payments_backend.app:create_app", "--workers", "2",
            "--host", "127.0.0.1", "--port", str(self.port), "--no-access-log", "--timeout-graceful-shutdown", "10",
        ]  # fmt: skip
        self._process = subprocess.Popen(
            command,
            cwd=FOLDER,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all of it, and nothing else, can be killed at once
        )

    def wait_until_ready(self, seconds=90):
        deadline = time.monotonic() + seconds
        while True:
            try:
                answer = httpx2.get(self.url + "/health", timeout=5)
                if answer.status_code == 200:
                    return answer.json()
            except httpx2.HTTPError:
                pass
            assert self._process.poll() is None, self.log[-4000:]
            assert time.monotonic() < deadline, self.log[-4000:]
            time.sleep(0.05)

    def workers(self):
        """The workers that have started and were not killed here, by what uvicorn prints."""
        started = {int(found) for found in re.findall(r"Started server process \[(\d+)\]", self.log)}
        return sorted(started - self._killed)

    def kill_worker(self, pid):
        """No signal handler, no goodbye. The supervisor starts another one."""
        self._killed.add(pid)
        os.kill(pid, signal.SIGKILL)

    def kill_everything(self):
        """What a power cut does to it."""
        self._killed.update(self.workers())
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)

    def stop(self):
        """As an operator stops it; the exit code."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(30)
            except subprocess.TimeoutExpired:
                self.kill_everything()
        return self._process.returncode

    def clean_up(self):
        if self._process is not None and self._process.poll() is None:
            self.kill_everything()
        self._log.close()


@pytest.fixture
def secret_files(tmp_path):
    """Settings that name a file with the mnemonic and one with the token, both of this user alone."""
    files = {"PAYMENTS_MNEMONIC_FILE": WORDS, "PAYMENTS_TOKEN_FILE": TOKEN}
    for variable, text in files.items():
        path = tmp_path / variable.lower()
        path.write_text(text + "\n")
        path.chmod(0o400)
        files[variable] = str(path)
    return files


@pytest.fixture
def start_service(secret_files, postgres_url, tmp_path):
    """Start the service on these endpoints: ``start_service({"ethereum": url})``. Cleaned up at the end."""
    services = []

    def start(endpoints):
        quick = {"PAYMENTS_POLL": "0.3", "PAYMENTS_RETRY": "0.3", "PAYMENTS_LEASE": "3", "PAYMENTS_ANSWER_WITHIN": "5"}
        places = {"PAYMENTS_STORE": postgres_url, "PAYMENTS_ENDPOINTS": json.dumps(endpoints)}
        service = Service({**secret_files, **places, **quick}, tmp_path)
        services.append(service)
        service.start()
        service.wait_until_ready()
        return service

    yield start
    for service in services:
        service.clean_up()
