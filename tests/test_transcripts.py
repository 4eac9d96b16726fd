"""Stories: lines of the monitor -> commands, word for word.

A file of fixtures/transcripts: `>` a line heard, `<` a command run; `# interfaces:` and `# prefix:` as `ndpbr replay`
takes them.
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


def story(path: Path) -> list[str]:
    """Return the lines that are no comment."""
    return [line for line in path.read_text().splitlines() if not line.startswith("#")]


def setting(path: Path, name: str) -> str:
    """Return what the comment says of *name*."""
    return next(ln.removeprefix(f"# {name}: ") for ln in path.read_text().splitlines() if ln.startswith(f"# {name}: "))


def told_again(path: Path) -> list[str]:
    """Return the story as the program tells it: each line heard, and the commands that follow."""
    rules = Rules(
        config.interfaces(setting(path, "interfaces").split(",")), frozenset({config.prefix(setting(path, "prefix"))})
    )
    player = Player(NdProxy(rules), Commands(config.PROTOCOL), Log(LogConfig("json"), Records()), ReplayClock())
    told = []
    for line in story(path):
        if line.startswith("> "):
            told.append(line)
            told.extend(f"< {command}" for command in player.play(line[2:], 0))
    return told


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_story_goes_as_it_is_told(path: Path) -> None:
    """Every line heard leads to these commands, in this order, and to no others."""
    assert told_again(path) == story(path)


@pytest.mark.parametrize("path", TRANSCRIPTS, ids=lambda path: path.stem)
def test_story_has_lines_of_two_kinds_only(path: Path) -> None:
    """A transcript that was mistyped is noticed."""
    assert path.read_text().startswith("# ")
    assert [line for line in story(path) if line[:2] not in ("> ", "< ")] == []


def test_every_state_comes_first_in_some_story() -> None:
    """Whatever state the first word about a host says, there is a story that begins with it."""
    firsts = (parser.event(next(line[2:] for line in story(path) if line.startswith("> "))) for path in TRANSCRIPTS)

    states = {first.state for first in firsts if isinstance(first, NeighborChanged)}

    assert states == set(NudState)
