"""A page of docs/ -> what it prints, from top to bottom: files, and lines of a shell."""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator

from tests.booted import Booted
from tests.program import ROOT


def blocks(page: str) -> Iterator[tuple[str | None, str]]:
    """Yield each block of a page: the path of a file, whose first line it is, or None, and the text."""
    for text in re.findall(r"(?ms)^```\n(.*?)^```$", (ROOT / "docs" / page).read_text()):
        written = re.match(r"# (/\S+)\n", text)
        yield written and written[1], text


def commands(text: str) -> Iterator[list[str]]:
    """Yield the words of each line of a shell."""
    for line in text.replace("\\\n", "").splitlines():
        if words := shlex.split(line, comments=True):
            yield words


def write(machine: Booted, path: str, text: str) -> None:
    """Write a file of the page on *machine*."""
    file = machine.root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def source(machine: Booted, built: dict[str, bytes]) -> str:
    """Return the source directory on *machine*, in which `make dist` has been run."""
    folder = machine.root / "opt/source"
    for name in ("packaging", "openrc"):
        shutil.copytree(ROOT / name, folder / name)
    shutil.copy(ROOT / "Makefile", folder)
    (folder / "dist").mkdir()
    for name, content in built.items():
        (folder / "dist" / name).write_bytes(content)
    return "/opt/source"
