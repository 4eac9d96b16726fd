"""Hosts <-> lines `ADDR IFACE LLADDR` of a file that outlives a reboot, and that a user may read.

What is read is believed to be a hint alone: each address is asked before it gets anything.  A file that is not ours is
left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address
from itertools import islice
from pathlib import Path

from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.system.files import read, write_atomically

HEADER = "# ndpbr: hosts to ask for at the next start: ADDR IFACE LLADDR"
_LINE = re.compile(r"([0-9a-fA-F:.]{2,45}) (\S{1,15})(?: ([0-9a-f:.]{2,64}))?")
_MOST = 1 << 20  # characters: more than 10,000 hosts

Memory = Mapping[IPv6Address, tuple[str, str | None]]


def lines(hosts: Memory) -> str:
    """Return the text of the file: *hosts* in order, each with its interface and lladdr; nothing for none."""
    if not hosts:
        return ""
    ordered = sorted(hosts.items(), key=lambda item: item[0].packed)
    return "\n".join([HEADER, *[" ".join(filter(None, (text(a), *where))) for a, where in ordered], ""])


def hosts(content: str, interfaces: Iterable[str], most: int) -> tuple[Memory, int]:
    """Return the hosts that *content* has on *interfaces*, *most* at the most, and how many of its lines are none."""
    found: dict[IPv6Address, tuple[str, str | None]] = {}
    devs, bad = frozenset(interfaces), 0
    for line in content.split("\n"):
        if not line or line.startswith("#"):
            continue
        host = _host(line)
        if host is None:
            bad += 1
        elif host[1] in devs and len(found) < most:
            found[host[0]] = host[1:]
    return found, bad


def _host(line: str) -> tuple[IPv6Address, str, str | None] | None:
    match = _LINE.fullmatch(line)
    try:
        address = None if match is None else parsed(match[1])
    except OSError:
        return None
    if match is None or address is None or Scope(None).objection(address, match[2]) is not None:
        return None
    return address, match[2], match[3]


class HostsFile:
    """The file.

    Attributes:
        known: What it holds, as far as is known.
        error: Why it could not be read in whole, or written; None if it could.
    """

    def __init__(self, path: Path, interfaces: Iterable[str], most: int) -> None:
        self.known: Memory = {}
        self.error: str | None = None
        self._path = path
        self._interfaces = tuple(interfaces)
        self._most = most
        self._theirs = False
        self._content = ""

    def load(self) -> None:
        """Read it; one that is not there, or empty, holds nothing."""
        self.error = None
        try:
            self._content = read(self._path, _MOST).strip("\0")
        except FileNotFoundError:
            return
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
            return
        self._theirs = bool(self._content) and not self._content.startswith(HEADER.partition(":")[0])
        if self._theirs:
            self.error = f"{self._path} is not ndpbr's"
            return
        self.known, bad = hosts(self._content, self._interfaces, self._most)
        if bad:
            self.error = f"{self._path}: {bad} of its lines are no `ADDR IFACE LLADDR`"

    def save(self, known: Memory) -> bool:
        """Write the first of *known*, as many as may be, if that is something new; return whether that was tried."""
        self.known = dict(islice(known.items(), self._most))
        content = lines(self.known)
        if content == self._content or self._theirs:
            return False
        try:
            write_atomically(self._path, content)
            self.error, self._content = None, content
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
        return True
