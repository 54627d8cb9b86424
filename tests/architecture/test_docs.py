"""What the documentation shows works: its Python code runs, its links lead somewhere, every example runs.

Pages and examples run in a process of their own, in an empty folder that is also their home, without network.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
WANTED_PAGES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]


def shown(path: Path) -> str:
    return str(path.relative_to(ROOT))


def has_code(page: Path) -> bool:
    return "```python" in page.read_text(encoding="utf-8")


def run(arguments: list[str], home: Path) -> str:
    ended = subprocess.run(
        [sys.executable, *arguments],
        cwd=home,
        env=os.environ | {"HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
    assert ended.returncode == 0, f"exit code {ended.returncode}\n{ended.stdout[-2000:]}\n{ended.stderr[-6000:]}"
    return ended.stdout


@pytest.mark.parametrize("page", [page for page in PAGES if has_code(page)], ids=shown)
def test_code_of_a_page_runs(page, tmp_path):
    printed = run([str(HERE / "page_runner.py"), str(page)], tmp_path)
    assert re.search(r"^[1-9]\d* blocks ran$", printed, re.MULTILINE)


@pytest.mark.parametrize("example", EXAMPLES, ids=shown)
def test_example_runs(example, tmp_path):
    printed = run([str(example)], tmp_path)
    assert printed.strip(), "an example shows something"


def test_there_is_something_to_run():
    assert len(EXAMPLES) >= 3
    with_code = {shown(page) for page in PAGES if has_code(page)}
    assert "README.md" in with_code
    assert any(page.startswith("docs/") for page in with_code)
    for page in WANTED_PAGES:
        assert (ROOT / page).is_file(), page


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_within_the_repository_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z][a-z0-9+.-]*:", target):
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{shown(page)}: {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{shown(page)}: {target}"


def anchors(page: Path) -> set[str]:
    """The anchors that a Markdown page's headings make, as code hosting sites make them."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text(encoding="utf-8"), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading.lower()) for heading in headings]
    return {heading.replace(" ", "-") for heading in plain}


def test_the_runner_fails_where_a_page_is_wrong(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Wrong\n\n```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n")
    with pytest.raises(AssertionError, match=r'page\.md", line 8'):
        run([str(HERE / "page_runner.py"), str(page)], tmp_path)
    page.write_text("# Wrong\n\n```python\n>>> 1 + 1\n3\n```\n")
    with pytest.raises(AssertionError, match="the session at line 4"):
        run([str(HERE / "page_runner.py"), str(page)], tmp_path)
    page.write_text("```python\nimport asyncio\nx = await asyncio.sleep(0, 5)\n```\n\n```python\n>>> x\n5\n```\n")
    assert "2 blocks ran" in run([str(HERE / "page_runner.py"), str(page)], tmp_path)
