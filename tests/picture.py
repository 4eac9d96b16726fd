"""`ndpbr show --watch` in a real terminal (tmux) -> docs/watch.svg, the picture in README.

Run as ``tests/isolated python -m tests.picture OUTPUT``, or ``make picture``.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from html import escape
from pathlib import Path

from tests.echo import ask, echo
from tests.home import INET, Home, home
from tests.lab import Host, Lab, can_lay, until
from tests.program import PROGRAM, ROOT, Daemon

COLUMNS, ROWS = 100, 12
ADDRESSES = {"lan": ("2001:db8:64::12", "2001:db8:64:0:4e9c:979:8e80:3259"), "lan2": ("2001:db8:64::23",)}
# Source: console_codes(4); the colors are those of a dark terminal.
_COLORS = ("#484f58", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#e6edf3")
_WIDTH, _HEIGHT, _MARGIN = 8.4, 19, 14


def main(output: str) -> int:
    """Write the picture; return the exit status."""
    if reason := can_lay() or (None if shutil.which("tmux") else "tmux is not installed"):
        print(f"The picture was not made: {reason}.", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as folder, Lab() as lab:
        Path(output).write_text(svg(watched(home(lab), Path(folder))))
    return 0


def watched(at: Home, folder: Path) -> list[str]:
    """Return the lines of the terminal, with their colors, when all hosts have been learned."""
    for host in (at.lan, at.lan2):
        for address in ADDRESSES[host.name.rpartition("-")[2]]:
            host.ip(f"address add {address}/64 dev eth0 nodad")
    daemon = Daemon(at.router, "wan0", "lan0", "lan1", folder=folder)
    daemon.wait_for("started")
    echo(at.inet)
    every = [*_learned(at.lan), *_learned(at.lan2)]
    names = folder / "names"
    names.write_text(f"{at.lan.mac('eth0')} phone\n{at.lan2.mac('eth0')} server\n{at.modem.mac('lan0')} modem\n")
    command = (*PROGRAM, "show", "--state-dir", str(folder / "state"), "--names", str(names), "--watch")
    words = ("tmux", "-S", str(folder / "tmux"))
    size = ("-x", str(COLUMNS), "-y", str(ROWS))
    at.router.run(*words, "-f", "/dev/null", "new-session", "-d", *size, *command, cwd=ROOT)
    at.router.run(*words, "set", "status", "off")

    def lines() -> list[str]:
        return at.router.run(*words, "capture-pane", "-p", "-e").stdout.splitlines()

    until(lambda: all(address in "\n".join(lines()) for address in every), what="the hosts are on the screen")
    shown = lines()
    at.router.run(*words, "kill-server")
    daemon.stop()
    return shown


def _learned(host: Host) -> list[str]:
    addresses = re.findall(r"inet6 (2001:\S+)/", host.ip("-6 -o address show dev eth0"))
    for address in addresses:
        until(lambda source=address: ask(host, INET, source=source), what=f"{address} is answered")  # type: ignore[misc]
    return addresses


def svg(lines: list[str]) -> str:
    """Return the picture of a terminal with *lines*, whose colors are escape sequences."""
    while lines and not lines[-1].strip():
        lines.pop()
    width, height = COLUMNS * _WIDTH + 2 * _MARGIN, len(lines) * _HEIGHT + 2 * _MARGIN
    texts = [
        f'<text x="{_MARGIN + column * _WIDTH:.1f}" y="{_MARGIN + (row + 0.75) * _HEIGHT:.1f}"{style} '
        f'textLength="{len(words) * _WIDTH:.1f}" xml:space="preserve">{escape(words)}</text>'
        for row, line in enumerate(lines)
        for column, words, style in _pieces(line)
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" '
        f'font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="{_COLORS[7]}">'
    )
    return "\n".join([head, '<rect width="100%" height="100%" rx="8" fill="#0d1117"/>', *texts, "</svg>\n"])


def _pieces(line: str) -> Iterator[tuple[int, str, str]]:
    """Yield (column, text, attributes) for each part of a line that has one color."""
    column, bold, color = 0, False, None
    for words, codes in re.findall(r"([^\x1b]+)|\x1b\[([\d;]*)m", line):
        for code in map(int, filter(None, (codes or "0" if not words else "").split(";"))):
            bold = code == 1 or (bold and code not in (0, 22))
            color = None if code in (0, 39) else code % 10 if code // 10 in (3, 9) else color
        if words.strip():
            style = ' font-weight="bold"' * bold + (f' fill="{_COLORS[color]}"' if color is not None else "")
            indent = len(words) - len(words.lstrip())
            yield column + indent, words.strip(), style
        column += len(words)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
