"""The table of docs/add-a-chain.md that counts what each family took. Run this file to write it anew."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "add-a-chain.md"
BEGIN, END = "<!-- family sizes -->\n", "<!-- end of family sizes -->\n"
FAMILIES = ROOT / "src" / "multiwallet" / "chains"
PLUGIN = ROOT / "examples" / "plugin-chain" / "src" / "multiwallet_stacks"


def table() -> str:
    """Files, lines with code and all lines of each family, the smallest first."""
    folders = {folder.name: folder for folder in FAMILIES.iterdir() if (folder / "__init__.py").is_file()}
    folders["stacks (from outside)"] = PLUGIN
    rows = sorted((*_count(folder), name) for name, folder in folders.items())
    lines = ["| family | files | lines of code | lines in all |", "|---|---:|---:|---:|"]
    lines += [f"| {name} | {files} | {code:,} | {total:,} |" for code, files, total, name in rows]
    return "\n".join(lines) + "\n"


def _count(folder: Path) -> tuple[int, int, int]:
    sources = sorted(folder.rglob("*.py"))
    texts = [source.read_text().splitlines() for source in sources]
    code = sum(1 for lines in texts for line in lines if line.strip() and not line.strip().startswith("#"))
    return code, len(sources), sum(map(len, texts))


def rewritten(page: str) -> str:
    """The page with today's table."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(rewritten(PAGE.read_text()))
