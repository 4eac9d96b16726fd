"""A few lines of shell -> a program that replaces ip(8)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

DEADLINE = 20.0  # s until a test fails that waits for a state


def script(folder: Path, *lines: str) -> str:
    """Return the path of a new shell script."""
    path = folder / "ip"
    path.write_text("\n".join(["#!/bin/sh", *lines, ""]))
    path.chmod(0o755)
    return str(path)


async def until(condition: Callable[[], object]) -> None:
    """Return once *condition* holds.

    Raises:
        TimeoutError: It never did.
    """
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.005)
