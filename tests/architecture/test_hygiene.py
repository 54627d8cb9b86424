"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "multiwallet"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_LINES = 450

# Written in parts, so that this file does not name them itself.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"), ("pythonhosted", "org"), ("pypi", "python", "org"), ("npmjs", "org"), ("npmjs", "com"),
        ("yarnpkg", "com"), ("debian", "org/debian"), ("deb", "debian", "org"), ("archive", "ubuntu", "com"),
    )
]  # fmt: skip
PLACES_OF_ONE_MACHINE = [f"{ROOT}/", f"{Path.home()}/"]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def project_files() -> list[Path]:
    """Every file of the project: what git tracks or would, or, outside a git checkout, what is not a known by-product."""
    listed = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    if listed.returncode == 0:
        paths = [ROOT / name.decode() for name in listed.stdout.split(b"\0") if name]
    else:
        by_products = {".venv", ".cache", "node_modules", "__pycache__", ".git", "build", "dist"}
        paths = [path for path in ROOT.rglob("*") if not by_products & set(path.relative_to(ROOT).parts)]
    return [path for path in paths if path.is_file()]


def text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_no_file_names_a_registry_host_or_a_place_of_one_machine():
    found = []
    for path in project_files():
        text = text_of(path)
        found += [f"{shown(path)}: {name}" for name in REGISTRY_HOSTS + PLACES_OF_ONE_MACHINE if name in text]
    assert not found, "\n".join(found)


def test_the_pins_are_exact():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert len(pins) > 50
    for pin in pins:
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", pin), pin


def test_everything_asked_for_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    pinned = {normal(pin.partition("==")[0]) for pin in pins} | {normal(project["name"])}
    missing = [item for item in asked if normal(re.match(r"[A-Za-z0-9._-]+", item)[0]) not in pinned]
    assert not missing


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_no_file_is_too_long(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= MAX_LINES, f"{shown(path)} has {lines} lines: it is asking to be two rooms"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_names_mean_something(path):
    assert path.stem not in ("utils", "util", "base", "helpers", "helper", "common", "misc")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            assert not node.name.endswith(("Manager", "Helper", "Utils", "Util")), node.name


EXACT = ("amounts", "transactions", "chains", "codec", "crypto", "operations", "path")


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_no_float_near_money(path):
    if path.relative_to(SOURCE).parts[0].removesuffix(".py") not in EXACT:
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        where = f"{shown(path)}:{getattr(node, 'lineno', 0)}"
        if isinstance(node, ast.Constant):
            assert not isinstance(node.value, float), f"{where}: the float {node.value}"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "float", f"{where}: float()"
            assert node.func.id != "round", f"{where}: round() rounds to even: say which way with // instead"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_no_true_division_of_amounts(path):
    """``/`` on integers makes a float. A derivation path divided by a step is the one other use."""
    if path.relative_to(SOURCE).parts[0].removesuffix(".py") not in ("amounts", "transactions", "chain", "codec"):
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.BinOp | ast.AugAssign):
            assert not isinstance(node.op, ast.Div), f"{shown(path)}:{node.lineno}: / makes a float, // does not"


@pytest.mark.parametrize("path", FILES, ids=shown)
def test_every_ignored_type_error_says_why(path):
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if "type: ignore" in line:
            assert re.search(r"type: ignore\[[\w-]+(, *[\w-]+)*\] +# \S", line), (
                f"{shown(path)}:{number}: {line.strip()}"
            )


def test_the_package_ships_what_it_reads():
    """Rows, wordlists and the typing marker are data files inside the package, and git does not ignore them."""
    inside = {path.relative_to(SOURCE) for path in project_files() if SOURCE in path.parents}
    assert Path("py.typed") in inside
    assert any(path.suffix == ".toml" for path in inside)
    assert any("wordlists" in path.parts and path.suffix != ".py" for path in inside)


def test_tests_are_no_packages():
    assert not [shown(path) for path in (ROOT / "tests").rglob("__init__.py") if "node_modules" not in path.parts]
