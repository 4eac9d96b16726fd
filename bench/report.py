"""Figures -> a table on standard output."""

from __future__ import annotations

import platform
import statistics
import subprocess
from collections.abc import Sequence


def heading(text: str) -> None:
    """Print the heading of the next table."""
    print(f"\n## {text}\n", flush=True)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print *rows* under *columns*."""
    cells = [list(map(str, row)) for row in (columns, *rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(columns))]
    for number, row in enumerate(cells):
        print("| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |")
        if number == 0:
            print("|" + "|".join("-" * (width + 2) for width in widths) + "|", flush=True)


def ms(seconds: float | None, digits: int = 2) -> str:
    """Return *seconds* in milliseconds."""
    return "-" if seconds is None else f"{seconds * 1000:.{digits}f} ms"


def median(values: Sequence[float]) -> float | None:
    """Return the median, or None if there are no values."""
    return statistics.median(values) if values else None


def machine() -> str:
    """Return the versions of kernel, ip(8) and Python on which the figures were measured."""
    ip = subprocess.run(["ip", "-V"], capture_output=True, text=True, check=False).stdout.strip()
    return f"Linux {platform.release()}, {ip.removeprefix('ip utility, ')}, Python {platform.python_version()}"
