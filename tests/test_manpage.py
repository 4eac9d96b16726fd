"""The manual page has everything that --help has, and troff prints no warning."""

from __future__ import annotations

import argparse
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ndpbr_py import __version__
from ndpbr_py.options import COMMANDS, parser
from tests.program import ROOT

MAKER = ROOT / "packaging/manpage.py"
CHECKS = ("mandoc -T lint", "groff -man -ww -z", "man --warnings -l")
HOSTILE = r".a dot first, a \n, a --dash, 100%% and 'quotes'"


@pytest.fixture(scope="module")
def manual(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the manual page, made as `make man` makes it."""
    output = tmp_path_factory.mktemp("manual") / "dist/ndpbr.8"
    subprocess.run([sys.executable, str(MAKER), str(output)], check=True)
    return output


def plain(roff: str) -> str:
    """Return the words of a manual page, each separated by one space from the next."""
    words = re.sub(r"\\f[BIR]", "", roff).replace(r"\-", "-").replace(r"\&", "").replace(r"\e", "\\")
    return " ".join(words.split())


def named(words: str) -> str:
    """Return a text of --help as the manual shows it."""
    return " ".join(words.replace("`", "").split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_in_the_manual(manual: Path, name: str) -> None:
    """The section of a command has each of its options, with the text of --help."""
    probe = argparse.ArgumentParser(add_help=False)
    COMMANDS[name].add_options(probe)
    section = plain(re.split(r"(?m)^\.S[SH] ", manual.read_text().partition(f".SS {name}\n")[2])[0])

    assert named(COMMANDS[name].help)[1:] in section
    for action in probe._actions:
        for word in (*action.option_strings, probe._get_formatter()._expand_help(action)):
            assert named(word) in section


def test_options_before_the_command_are_in_the_manual(manual: Path) -> None:
    """The manual has the options before the command, and the version."""
    whole = plain(manual.read_text())

    assert f"ndpbr {__version__}" in whole
    for action in parser()._actions:
        for word in action.option_strings:
            assert word in whole or word == "-h"


def test_manual_has_all_sections(manual: Path) -> None:
    """No section is missing, and every @NAME@ is replaced."""
    page = manual.read_text()

    assert re.findall(r"(?m)^\.SH (.*)", page) == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS"),
        *("SIGNALS", "ENVIRONMENT", "FILES", "EXAMPLES", "SEE ALSO"),
    ]
    assert not re.search("@[A-Z]+@", page)


@pytest.mark.parametrize("check", CHECKS)
def test_troff_prints_no_warning(manual: Path, check: str) -> None:
    """No program that shows manual pages prints a warning."""
    program, *options = check.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    done = subprocess.run([program, *options, str(manual)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert program == "man" or done.stdout == ""


@pytest.mark.parametrize("shower", ["mandoc -T ascii", "groff -man -T ascii -P-c"])
def test_help_text_is_shown_as_it_is(tmp_path: Path, shower: str) -> None:
    """A dot at the beginning, a backslash and a hyphen are escaped."""
    program, *options = shower.split()
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    top = argparse.ArgumentParser(prog="ndpbr")
    command = top.add_subparsers().add_parser("run", description="runs", help="runs")
    command.add_argument("--hostile-option", metavar="ADDR%IFACE", help=HOSTILE)
    page = tmp_path / "page.8"
    page.write_text(
        runpy.run_path(str(MAKER))["page"](top, '.TH X 8 2026-01-01 "x" "y"\n@OPTIONS@\n.SH COMMANDS\n@COMMANDS@\n')
    )
    shown = subprocess.run([program, *options, str(page)], capture_output=True, text=True, check=True).stdout

    words = " ".join(re.sub(".\b", "", shown).split())
    assert f"--hostile-option ADDR%IFACE {HOSTILE.replace('%%', '%')}" in words
