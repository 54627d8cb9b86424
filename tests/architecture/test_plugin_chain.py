"""The example of a family from outside: installed as any package, found by its entry point, and held to the contract."""

from __future__ import annotations

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "examples" / "plugin-chain"
WORDS = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with the package as pip installs it, built from a copy."""
    folder = tmp_path_factory.mktemp("plugin")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", folder / "installed", folder / "source"], check=True, timeout=120)
    return folder


def run(installed, *command):
    paths = [str(installed / "installed"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, *command],
        cwd=installed / "source",
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
    )


def test_its_own_tests_and_the_contract_pass(installed):
    ended = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml", "tests")
    assert ended.returncode == 0, ended.stdout[-3000:]
    assert " passed" in ended.stdout
    assert "skipped" not in ended.stdout
    doctests = run(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "pyproject.toml", "--doctest-modules", "src"
    )
    assert doctests.returncode == 0, doctests.stdout[-3000:]


def test_every_face_knows_the_family(installed):
    code = "import sys; from multiwallet.cli import main; sys.exit(main())"
    environment_words = f"import os; os.environ['MULTIWALLET_MNEMONIC'] = {WORDS!r}; "
    ended = run(installed, "-c", environment_words + code, "derive", "--network", "stacks", "--json")
    assert ended.returncode == 0, ended.stderr
    assert "SPC5KHM41H6WHAST7MWWDD807YSPRQKJ69FSH54J" in ended.stdout  # as @stacks/wallet-sdk derives it


def test_without_it_nobody_knows_the_family():
    code = "from multiwallet import network; network('stacks')"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert "UnknownNetwork" in ended.stderr


def test_the_page_counts_what_is_there():
    """Where this fails: python tests/architecture/family_sizes.py"""
    sizes = runpy.run_path(str(Path(__file__).with_name("family_sizes.py")))
    page = sizes["PAGE"].read_text()
    assert sizes["BEGIN"] in page
    assert sizes["rewritten"](page) == page
