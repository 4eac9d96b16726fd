"""A few lines of shell -> a program that replaces ip(8); and an object that keeps what an executor reports."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from ndpbr_py.core.events import ActionRefused

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


class Watched:
    """Keeps what an executor reports."""

    def __init__(self) -> None:
        self.refusals: list[ActionRefused] = []
        self.failed_probes: list[tuple[str, int]] = []

    def refused(self, event: ActionRefused) -> None:
        """Keep a refused action."""
        self.refusals.append(event)

    def on_process_lost(self, why: str, actions: int) -> None:
        """Keep the reason of a lost process, and its number of actions."""
        self.failed_probes.append((why, actions))


class Heard:
    """Keeps what a monitor reports."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.complaints: list[str] = []
        self.pids: list[int] = []
        self.ends: list[tuple[str, float]] = []

    def heard(self, lines: list[str]) -> None:
        """Keep lines of the monitor."""
        self.lines.extend(lines)

    def lost(self, complaint: str) -> None:
        """Keep the message of lost events."""
        self.complaints.append(complaint)

    def started(self, pid: int) -> None:
        """Keep the pid of a new monitor."""
        self.pids.append(pid)

    def ended(self, status: str, retry_in_s: float) -> None:
        """Keep how a monitor ended."""
        self.ends.append((status, retry_in_s))
