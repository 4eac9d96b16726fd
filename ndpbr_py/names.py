"""/etc/hosts, /etc/ethers, the leases of dnsmasq, and `--names FILE` -> the name of a host.

The files are read again when they change. A name in a lease comes from the host itself, so only a plain word is a name.
Source: hosts(5), ethers(5); lease.c of dnsmasq.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path

from ndpbr_py.system import files

NAME_FILES = tuple(map(Path, ("/var/lib/misc/dnsmasq.leases", "/etc/ethers", "/etc/hosts")))
_LLADDR = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_NAME = re.compile(r"(?![\d.]+$)[\w.-]{1,63}")  # /etc/ethers may have an IPv4 address instead

Key = IPv6Address | str  # an address, or an lladdr


class Names:
    """The names of hosts. The name of an address comes before that of an lladdr, and a later file before an earlier.

    Args:
        own: `--names FILE`.
        system: The files of the system.
        check_interval_s: How often to look whether a file has changed.
    """

    def __init__(
        self, own: Path | None = None, system: Sequence[Path] = NAME_FILES, check_interval_s: float = 2.0
    ) -> None:
        self._files = [*system, *([own] if own is not None else [])]
        self._check_interval_s = check_interval_s
        self._checked_at = float("-inf")
        self._versions: list[tuple[int, int] | None] = []
        self._names: dict[Key, str] = {}

    def of(self, address: IPv6Address, lladdr: str | None) -> str | None:
        """Return the name of the host with that address and link-layer address."""
        self._refresh()
        return self._names.get(address) or (self._names.get(lladdr) if lladdr is not None else None)

    def keys(self, name: str) -> set[Key]:
        """Return the addresses and link-layer addresses that have a name."""
        self._refresh()
        return {key for key, found in self._names.items() if found.lower() == name.lower()}

    def all(self) -> set[str]:
        """Return all names."""
        self._refresh()
        return set(self._names.values())

    def _refresh(self) -> None:
        """Read the files, if one of them has changed."""
        if time.monotonic() - self._checked_at < self._check_interval_s:
            return
        self._checked_at = time.monotonic()
        versions = list(map(_version, self._files))
        if versions != self._versions:
            self._versions = versions
            self._names = {key: name for path in self._files for key, name in _pairs(path)}


def is_lladdr(word: str) -> bool:
    """Whether *word* is a link-layer address, e.g. ``02:00:00:00:00:33``."""
    return _LLADDR.fullmatch(word.lower()) is not None


def _version(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size


def _pairs(path: Path) -> Iterator[tuple[Key, str]]:
    """Yield the address or link-layer address, and the name, of each line; a file that cannot be read has none."""
    try:
        lines = files.read(path.resolve()).splitlines()
    except OSError:
        return
    for line in lines:
        key, name, *_ = (*_lease(line.split()), "", "") if path.suffix == ".leases" else (*line.split(), "", "")
        if not _NAME.fullmatch(name) or key.startswith("#"):
            continue
        if is_lladdr(key):
            yield key.lower(), name
        else:
            with suppress(ValueError):  # an IPv4 address
                yield IPv6Address(key), name


def _lease(words: list[str]) -> list[str]:
    """Return the key and the name of a lease: `expiry LLADDR IPv4 NAME ...`, or `expiry IAID IPv6 NAME ...`."""
    if len(words) < 4:
        return []
    return [words[2] if ":" in words[2] else words[1], words[3]]
