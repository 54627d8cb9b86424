"""Every promise of the security page names a test, and every test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
NAMED = sorted(set(re.findall(r"`(tests/[^`]+)`", PAGE)))


@pytest.mark.parametrize("name", NAMED)
def test_the_test_is_there(name: str) -> None:
    file, _, function = name.partition("::")
    path = ROOT / file.rstrip("/")
    assert path.exists(), f"{file} is not there"
    if function:
        assert re.search(rf"^(?:async )?def {re.escape(function)}\b", path.read_text(encoding="utf-8"), re.MULTILINE), (
            f"{file} has no test {function}"
        )


def test_every_promise_has_its_test() -> None:
    table = PAGE.split("## What is promised, and which test holds it", 1)[1].split("\n## ", 1)[0]
    rows = [row for row in table.splitlines() if row.startswith("| ") and not row.startswith("| promise")]
    assert len(rows) > 25
    unproven = [row for row in rows if "`tests/" not in row and "tests with" not in row]
    assert not unproven, "\n".join(unproven)
