"""The parser of the command line and ndpbr.8.in -> the manual page, ndpbr.8.

usage: python3 packaging/manpage.py OUTPUT    @...@ in ndpbr.8.in is replaced by texts of --help

Source: man(7) of groff and mandoc, neither of which may print a warning.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from ndpbr_py import __version__
from ndpbr_py.options import parser

TEMPLATE = Path(__file__).with_name("ndpbr.8.in")


def page(top: argparse.ArgumentParser, template: str) -> str:
    """Return the manual page of the program whose parser is *top*."""
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
    required = [tagged(command, it) for it in command._actions if it.required or not it.option_strings]
    head = rf"\fB{literal(program)}\fR [\fIoption\fR ...] \fB{literal(name)}\fR [\fIoption\fR ...]"
    return " ".join([head, *required])


def section(command: argparse.ArgumentParser) -> str:
    """Return the section about one command."""
    sentence = str(command.description)
    return "\n".join(
        [f".SS {command.prog.split()[-1]}", text(f"{sentence[0].upper()}{sentence[1:]}."), *entries(command)]
    )


def entries(command: argparse.ArgumentParser) -> Iterator[str]:
    """Yield a tagged paragraph for each option and operand, with the text of --help."""
    formatter = command._get_formatter()
    for action in command._actions:
        # Commands have their own sections; the template mentions --help once.
        if not isinstance(action, argparse._SubParsersAction | argparse._HelpAction):
            yield f".TP\n{tagged(command, action)}\n{text(formatter._expand_help(action))}"


def tagged(command: argparse.ArgumentParser, action: argparse.Action) -> str:
    """Return the names of an option and its metavar, or the metavar of an operand."""
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
    """Return a sentence as separate lines, with words in backquotes in bold."""
    marked = re.sub(r"`([^`]*)`", r"\\fB\1\\fR", literal(sentence))
    lines = textwrap.wrap(marked, 78, break_long_words=False, break_on_hyphens=False)
    # troff reads a line that begins with a dot or a quote as a request.
    return "\n".join(rf"\&{line}" if line[0] in ".'" else line for line in lines)


def literal(words: str) -> str:
    """Return *words* escaped, with each hyphen as the character that one types."""
    return words.replace("\\", r"\e").replace("-", r"\-")


def main(output: str) -> None:
    """Write the page to *output*."""
    path = Path(output)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(parser(), TEMPLATE.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
