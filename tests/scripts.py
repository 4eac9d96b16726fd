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


def nothing(*_: object) -> None:
    """Take no note of an event."""


def later() -> Callable[[float], None]:
    """Return a function that makes the clock of the running loop so many seconds fast: its timers are due earlier."""
    loop, ahead_s = asyncio.get_running_loop(), 0.0
    clock = loop.time

    def forward(by_s: float) -> None:
        nonlocal ahead_s
        ahead_s += by_s

    loop.time = lambda: clock() + ahead_s  # type: ignore[method-assign]
    return forward


async def until(condition: Callable[[], object]) -> None:
    """Return once *condition* holds.

    Raises:
        TimeoutError: It never did.
    """
    async with asyncio.timeout(DEADLINE):
        while not condition():
            await asyncio.sleep(0.005)
