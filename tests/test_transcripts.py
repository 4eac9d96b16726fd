"""Transcripts: lines of the monitor -> commands, word for word.

A file of fixtures/transcripts has a line of the monitor after `>` and a command after `<`; `# interfaces:` and
`# prefix:` are as for `ndpbr replay`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py import config
from ndpbr_py.commands.replay import Player
from ndpbr_py.config import LogConfig
from ndpbr_py.core.events import NeighborChanged, NudState
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
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


def replayed(path: Path) -> list[str]:
    """Return the transcript of a replay: each line of the monitor, and the commands that follow."""
    rules = Rules(
        config.interfaces(setting(path, "interfaces").split(",")), frozenset({config.prefix(setting(path, "prefix"))})
    )
    player = Player(NdProxy(rules), Commands(config.PROTOCOL), Log(LogConfig("json"), Records()), ReplayClock())
    told = []
    for line in transcript(path):
        if line.startswith("> "):
            told.append(line)
            told.extend(f"< {command}" for command in player.play(line[2:], 0))
    return told


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_commands_are_those_of_the_transcript(path: Path) -> None:
    """Every line leads to these commands, in this order, and to no others."""
    assert replayed(path) == transcript(path)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript_has_only_lines_and_commands(path: Path) -> None:
    """A mistyped transcript is noticed."""
    assert path.read_text().startswith("# ")
    assert [line for line in transcript(path) if line[:2] not in ("> ", "< ")] == []


def test_every_nud_state_comes_first_in_some_transcript() -> None:
    """For every NUD state there is a transcript in which it is the first state of a host."""
    firsts = (
        parser.event(next(line[2:] for line in transcript(path) if line.startswith("> "))) for path in TRANSCRIPTS
    )

    states = {first.state for first in firsts if isinstance(first, NeighborChanged)}

    assert states == set(NudState)
