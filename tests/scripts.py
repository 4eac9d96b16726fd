"""A few lines of shell -> a program that stands in for ip(8); and who is told what became of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

DEADLINE = 20.0  # s, after which a test that waits for nothing fails


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


class Heard:
    """Takes note of what a supervisor tells."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.complaints: list[str] = []
        self.pids: list[int] = []
        self.ends: list[tuple[str, float]] = []

    def heard(self, lines: list[str]) -> None:
        """Lines came."""
        self.lines.extend(lines)

    def lost(self, complaint: str) -> None:
        """Events were lost."""
        self.complaints.append(complaint)

    def started(self, pid: int) -> None:
        """A monitor was started."""
        self.pids.append(pid)

    def ended(self, status: str, retry_in_s: float) -> None:
        """The monitor has ended."""
        self.ends.append((status, retry_in_s))
