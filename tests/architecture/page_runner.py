"""Run the Python code of one Markdown page, block after block in one namespace, as a reader would.

Usage: python page_runner.py PAGE. Blocks are fenced with ```python. A block in the form of an interactive session
(``>>>``) is checked with doctest; ``await`` at the top of a block works, as in ``python -m asyncio``. A traceback
names the page and the line in it.
"""

from __future__ import annotations

import ast
import asyncio
import doctest
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

FENCE = re.compile(r"^(?P<indent> *)```python *\n(?P<code>.*?)^(?P=indent)``` *$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    line: int
    code: str


def blocks(text: str) -> list[Block]:
    """The Python blocks of a page, each with the line its code begins on.

    >>> blocks(
    ...     "# Page\\n\\n```python\\na = 1\\n```\\n\\n```console\\n$ ls\\n```\\n- x\\n\\n  ```python\\n  a\\n  ```\\n"
    ... )
    [Block(line=4, code='a = 1\\n'), Block(line=13, code='a\\n')]
    """
    found = []
    for match in FENCE.finditer(text):
        indent = len(match["indent"])
        code = "".join(line[indent:] if line.strip() else "\n" for line in match["code"].splitlines(keepends=True))
        found.append(Block(text.count("\n", 0, match.start("code")) + 1, code))
    return found


def run_page(page: Path) -> int:
    """Run a page's blocks; returns how many there were. What a block raises is raised."""
    # The page takes the place of the program, so that what it defines can be sent to another process.
    program = sys.modules["__main__"] = ModuleType("__main__")
    namespace: dict[str, object] = vars(program)
    found = blocks(page.read_text(encoding="utf-8"))
    with asyncio.Runner() as runner:
        for block in found:
            if block.code.lstrip().startswith(">>>"):
                _check_session(block, namespace, page)
                continue
            source = "\n" * (block.line - 1) + block.code
            code = compile(source, str(page), "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            result = eval(code, namespace)
            if code.co_flags & inspect.CO_COROUTINE:
                runner.run(result)
    return len(found)


def _check_session(block: Block, namespace: dict[str, object], page: Path) -> None:
    test = doctest.DocTestParser().get_doctest(block.code, {}, page.name, str(page), block.line - 1)
    test.globs = namespace  # get_doctest and the runner copy what they are given
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    if runner.run(test, clear_globs=False).failed:
        raise AssertionError(f"{page.name}: the session at line {block.line} does not give what it shows")


if __name__ == "__main__":
    print(f"{run_page(Path(sys.argv[1]))} blocks ran")
