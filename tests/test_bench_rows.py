"""The rows of `make bench` that comments give as their reason."""

from __future__ import annotations

import re

import pytest

from tests.program import ROOT

_ROW = re.compile(r'\brow "([^"]+)"(?: of (\w+))?', re.IGNORECASE)


def _named() -> set[tuple[str, str]]:
    """Return the rows and columns that comments and docstrings of the package name, with their benchmarks."""
    texts = (re.sub(r"\s+(# )?", " ", path.read_text()) for path in (ROOT / "ndpbr_py").rglob("*.py"))
    return {row for text in texts for row in _ROW.findall(text)}


@pytest.mark.parametrize(("row", "benchmark"), sorted(_named()))
def test_row_that_a_comment_names_exists(row: str, benchmark: str) -> None:
    """A comment that justifies code by a row of a benchmark names one that the benchmark prints."""
    assert f'"{row}"' in (ROOT / "bench" / f"{benchmark}.py").read_text()
