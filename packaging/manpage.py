"""The parser of the command line and ndpbr.8.in -> the manual page, ndpbr.8.

usage: python3 packaging/manpage.py OUTPUT    @...@ in ndpbr.8.in are what --help says, too

Source: man(7) of groff and mandoc, which are to find nothing to complain about.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ndpbr_py import __version__
from ndpbr_py.cli import parser

TEMPLATE = Path(__file__).with_name("ndpbr.8.in")


def page(top: argparse.ArgumentParser, template: str) -> str:
    """Return the manual page for all that *top* parses."""
    parts = {
        "VERSION": literal(__version__),
        "SYNOPSIS": "\n.br\n".join(usage(command) for command in commands(top)),
        "COMMANDS": "\n".join(section(command) for command in commands(top)),
        "OPTIONS": "\n".join(entries(top)),
    }
    return re.sub(r"@([A-Z]+)@", lambda found: parts[found[1]], template)


def usage(command: argparse.ArgumentParser) -> str:
    """Return a command's line of the synopsis."""
    program, name = command.prog.split()
    wanted = [tagged(command, it) for it in command._actions if it.required or not it.option_strings]
    head = rf"\fB{literal(program)}\fR [\fIoption\fR ...] \fB{literal(name)}\fR [\fIoption\fR ...]"
    return " ".join([head, *wanted])


def section(command: argparse.ArgumentParser) -> str:
    """Return what there is to say about one command."""
    said = str(command.description)
    return "\n".join([f".SS {command.prog.split()[-1]}", text(f"{said[0].upper()}{said[1:]}."), *entries(command)])


def entries(command: argparse.ArgumentParser) -> Iterator[str]:
    """Return a tagged paragraph for each option and operand, as --help has it."""
    formatter = command._get_formatter()
    for action in command._actions:
        # The commands have sections of their own; their --help is told of once.
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            yield f".TP\n{tagged(command, action)}\n{text(formatter._expand_help(action))}"


def tagged(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return an option's names and what stands for its value, or what stands for an operand."""
    names = ", ".join(rf"\fB{literal(name)}\fR" for name in action.option_strings)
    if action.nargs == 0:
        return names
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    value = re.sub(r"[A-Z]+", r"\\fI\g<0>\\fR", literal(command._get_formatter()._format_args(action, name)))
    return f"{names} {value}".strip()


def commands(top: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """Return the parser of each command, in the order of --help."""
    (table,) = (it.choices for it in top._actions if isinstance(it, argparse._SubParsersAction))
    return list(table.values())


def text(sentence: str) -> str:
    """Return a sentence as lines of its own, with what is in backquotes in bold."""
    marked = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", literal(sentence))
    lines = textwrap.wrap(marked, 78, break_long_words=False, break_on_hyphens=False)
    # A dot or a quote at its beginning would make a line a request.
    return "\n".join(rf"\&{line}" if line[0] in ".'" else line for line in lines)


def literal(words: str) -> str:
    """Return *words* so that they come out as they are, a hyphen as what one types."""
    return words.replace("\\", r"\e").replace("-", r"\-")


def main(output: str) -> None:
    """Write the page to *output*."""
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(parser(), TEMPLATE.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
