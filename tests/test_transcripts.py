"""Transcripts: lines of the monitor -> commands, word for word.

A file of fixtures/transcripts has a line of the monitor after `>` and a command after `<`; what was due before the time
of a line comes first. `# interfaces:` and `# prefix:` are as for `ndpbr replay`. `# route:` is a route of the main
table at the start; one after `+` is added, and one after `-` is deleted.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest

from ndpbr_py import config
from ndpbr_py.commands.replay import Player
from ndpbr_py.config import LogConfig
from ndpbr_py.core.events import KernelSnapshot, NeighborChanged, NudState
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.tables import Tables
from ndpbr_py.logs.logger import Log
from ndpbr_py.recording.format import ReplayClock
from tests.builders import FIXTURES, Records

TRANSCRIPTS = sorted(FIXTURES.glob("transcripts/*.txt"))


def transcript(path: Path) -> list[str]:
    """Return the lines without the comments."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def setting(path: Path, name: str) -> str:
    """Return the value of the comment *name*."""
    return next(ln.removeprefix(f"# {name}: ") for ln in path.read_text().splitlines() if ln.startswith(f"# {name}: "))


class MainTable:
    """The kernel of a transcript with routes: its routes, and the entries that the commands have added."""

    def __init__(self, path: Path, interfaces: tuple[str, ...]) -> None:
        prefix = "# route: "
        self.routes = [ln.removeprefix(prefix) for ln in path.read_text().splitlines() if ln.startswith(prefix)]
        self.interfaces = interfaces
        self.entries: list[str] = []
        self.neighbors: dict[tuple[str, str], str] = {}

    def changed(self, line: str) -> None:
        """Add or delete a route, or remember a neighbor."""
        kind, text = line[0], line[2:]
        if kind == "+":
            self.routes.append(text)
        elif kind == "-":
            self.routes.remove(text)
        else:
            address, _, dev = text.split()[:3]
            self.neighbors[address, dev] = text

    def ran(self, command: str) -> None:
        """Carry a command out."""
        words = command.removeprefix("ip -6 ").split()
        if words[:2] in (["route", "add"], ["neigh", "add"]):
            self.entries.append(" ".join(words))
        elif words[:2] in (["route", "del"], ["neigh", "del"]):
            added = " ".join((words[0], "add", *words[2:]))
            self.entries = [entry for entry in self.entries if not entry.startswith(added)]

    def snapshot(self) -> KernelSnapshot:
        """Return the kernel's tables."""
        tables = Tables(self.interfaces, config.PROTOCOL)
        for number, dev in enumerate(self.interfaces, 2):
            tables.link(f"{number}: {dev}: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500")
        for line in self.routes:
            if " proto kernel " in line:
                prefix, _, dev = line.split()[:3]
                tables.address(f"2: {dev}    inet6 {prefix if '/' in prefix else prefix + '/128'} scope global")
            tables.route(line)
        for words in map(str.split, self.entries):
            if words[0] == "route":
                tables.route(" ".join((words[2].removesuffix("/128"), *words[3:], "metric 1024 pref medium")))
            else:
                tables.proxy(" ".join((words[3], *words[4:6], "proxy", *words[6:])))
        for line in self.neighbors.values():
            tables.neighbor(line)
        return tables.snapshot()


def replayed(path: Path) -> list[str]:
    """Return the transcript of a replay: each line of the monitor or the main table, and the commands that follow."""
    interfaces = config.interfaces(setting(path, "interfaces").split(","))
    rules = Rules(interfaces, frozenset({config.prefix(setting(path, "prefix"))}))
    player = Player(NdProxy(rules), Commands(config.PROTOCOL), Log(LogConfig("json"), Records()), ReplayClock())
    table = MainTable(path, interfaces) if "\n# route: " in path.read_text() else None
    result: list[str] = []

    def follows(commands: Iterable[str]) -> None:
        for command in commands:
            result.append(f"< {command}")
            if table is not None:
                table.ran(command)

    if table is not None:
        follows(player.handle(table.snapshot()))
    for line in transcript(path):
        if line.startswith("< "):
            continue
        result.append(line)
        if table is not None:
            table.changed(line)
        if line.startswith("> "):
            follows(player.play(line[2:], 0))
        elif table is not None:
            follows(player.handle(table.snapshot()))
    return result


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_commands_are_those_of_the_transcript(path: Path) -> None:
    """Every line leads to these commands, in this order, and to no others."""
    assert replayed(path) == transcript(path)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript_has_only_lines_and_commands(path: Path) -> None:
    """A mistyped transcript is noticed."""
    assert path.read_text().startswith("# ")
    assert [line for line in transcript(path) if line[:2] not in ("> ", "< ", "+ ", "- ")] == []


def test_every_nud_state_comes_first_in_some_transcript() -> None:
    """For every NUD state there is a transcript in which it is the first state of a host."""
    firsts = (
        parser.event(next(line[2:] for line in transcript(path) if line.startswith("> "))) for path in TRANSCRIPTS
    )

    states = {first.state for first in firsts if isinstance(first, NeighborChanged)}

    assert states == set(NudState)
