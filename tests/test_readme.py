"""README.md is true as far as that can be told: its links, the files it names, commands and options."""

from __future__ import annotations

import argparse
import re

import pytest

from ndpbr_py.options import COMMANDS
from tests.program import ROOT

TEXT = (ROOT / "README.md").read_text()
SECTIONS = re.findall(r"(?m)^## (.*)$", TEXT)
FOLDERS = ("ndpbr_py", "tests", "fixtures", "bench", "openrc", "packaging", ".ci")


def anchor(heading: str) -> str:
    """Return what a link to a heading has after its ``#``."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_contents_lead_to_every_section() -> None:
    """The list at the top has the sections below it in their order, and no link leads nowhere."""
    below = SECTIONS[1:]
    contents = TEXT.partition("**What follows:**")[2].partition("\n\n")[0]
    every = {anchor(heading) for heading in re.findall(r"(?m)^#+ (.*)$", TEXT)}

    assert re.findall(r"\[([^]]+)\]\(#", contents) == below
    assert set(re.findall(r"\]\(#([^)]*)\)", TEXT)) - every == set()


def test_files_that_are_named_exist() -> None:
    """What the README calls a file of the project is one."""
    named = set(re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w./*-]*)", TEXT))

    assert len(named) > 10
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_is_told_of(name: str) -> None:
    """Each command has its row, and each of its options is there."""
    probe = argparse.ArgumentParser(add_help=False)
    COMMANDS[name].add_options(probe)
    options = [action.option_strings for action in probe._actions if action.option_strings]

    assert re.search(rf"(?m)^\| `{name}\b", TEXT)
    assert [words for words in options if not any(word in TEXT for word in words)] == []
