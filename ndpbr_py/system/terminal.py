"""A stream and `--color` -> whether to write colors.

Source: no-color.org; console_codes(4).
"""

from __future__ import annotations

import os
import re
from typing import TextIO

GREEN, YELLOW, RED, BOLD = 32, 33, 31, 1
_VERDICTS = {"ok": GREEN, "yes": GREEN, "warn": YELLOW, "fail": RED, "no": RED}


def has_color(choice: str, stream: TextIO | None) -> bool:
    """Return whether to write colors to *stream*; *choice* is auto, always or never. TERM=dumb has no colors."""
    terminal = stream is not None and stream.isatty()
    automatic = terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return choice == "always" or (choice == "auto" and automatic)


def size(terminal: TextIO) -> tuple[int, int]:
    """Return columns and rows now. COLUMNS and LINES do not count, since they stay the same when the size changes."""
    columns, rows = os.get_terminal_size(terminal.fileno())
    return columns or 80, rows or 24  # a serial line has no size


def painted(text: str, code: int, *, color: bool) -> str:
    """Return *text* in a color."""
    return f"\x1b[{code}m{text}\x1b[m" if color else text


def first_word_painted(line: str, *, color: bool) -> str:
    """Return *line* with its first word, a verdict, in its color."""
    word = re.split(r"\W", line, maxsplit=1)[0]
    return painted(word, _VERDICTS[word], color=color) + line[len(word) :] if word in _VERDICTS else line
