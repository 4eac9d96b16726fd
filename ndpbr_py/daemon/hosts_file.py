"""Hosts <-> lines `ADDR IFACE LLADDR` of a file that survives a reboot, and that a user can read.

The file is only a hint: each address is looked up before it gets entries. A file of another program is left as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import IPv6Address
from itertools import islice
from pathlib import Path

from ndpbr_py.core.address import parsed, text
from ndpbr_py.core.candidates import Memory
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.listed import matches
from ndpbr_py.logs.logger import Log
from ndpbr_py.system.files import read, write_atomically

HEADER = "# ndpbr: hosts to look up at the next start: ADDR IFACE LLADDR"
_LINE = re.compile(r"([0-9a-fA-F:.]{2,45}) (\S{1,15})(?: ([0-9a-f:.]{2,64}))?")
_MAX_CHARACTERS = 1 << 20  # more than 10,000 hosts


def lines(hosts: Memory) -> str:
    """Return the text of the file: one line per host, sorted; empty without hosts."""
    if not hosts:
        return ""
    ordered = sorted(hosts.items(), key=lambda item: item[0].packed)
    return "\n".join([HEADER, *[" ".join(filter(None, (text(a), *where))) for a, where in ordered], ""])


def hosts(content: str, interfaces: Iterable[str], max_hosts: int) -> tuple[Memory, int]:
    """Return up to *max_hosts* hosts of *content* on *interfaces*, and the number of invalid lines."""
    found: dict[IPv6Address, tuple[str, str | None]] = {}
    words, invalid = tuple(interfaces), 0
    for line in content.split("\n"):
        if not line or line.startswith("#"):
            continue
        host = _host(line)
        if host is None:
            invalid += 1
        elif matches(host[1], words) and len(found) < max_hosts:
            found[host[0]] = host[1:]
    return found, invalid


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
    """The file of remembered hosts.

    Attributes:
        known: The hosts in the file.
        error: Why the file could not be read completely, or written; None if it could.
    """

    def __init__(self, path: Path, interfaces: Iterable[str], max_hosts: int, log: Log) -> None:
        self.known: Memory = {}
        self.error: str | None = None
        self._path = path
        self._interfaces = tuple(interfaces)
        self._max_hosts = max_hosts
        self._log = log
        self._foreign = False
        self._content = ""

    def load(self) -> None:
        """Read the file; a missing or empty file has no hosts."""
        self._load()
        if self.error is not None:
            self._log.record("warning", "hosts-file-unreadable", error=self.error)

    def _load(self) -> None:
        self.error = None
        try:
            self._content = read(self._path, _MAX_CHARACTERS).strip("\0")
        except FileNotFoundError:
            return
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
            return
        self._foreign = bool(self._content) and not self._content.startswith(HEADER.partition(":")[0])
        if self._foreign:
            self.error = f"{self._path} belongs to another program"
            return
        self.known, invalid = hosts(self._content, self._interfaces, self._max_hosts)
        if invalid:
            self.error = f"{self._path}: expected lines `ADDR IFACE LLADDR`, got {invalid} others"

    def save(self, known: Memory) -> bool:
        """Write up to *max_hosts* of *known* if the content changes; return whether the file was written or failed."""
        self.known = dict(islice(known.items(), self._max_hosts))
        content = lines(self.known)
        if content == self._content or self._foreign:
            return False
        try:
            write_atomically(self._path, content)
            self.error, self._content = None, content
        except OSError as error:
            self.error = f"{self._path}: {error.strerror}"
        failed = self.error is not None
        self._log.condition("warning", "hosts-file-unwritable", active=failed, error=self.error)
        return True
