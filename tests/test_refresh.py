"""Addresses of an interface -> the one that is announced next, and its log record."""

from __future__ import annotations

import json
from ipaddress import IPv6Address

from ndpbr_py.commands.refresh import Refresher
from ndpbr_py.config import LogConfig
from ndpbr_py.errors import NdpbrError
from ndpbr_py.logs.logger import Log
from tests.builders import Records, addr

LINK_LOCAL, A, B, C = map(addr, ("fe80::1", "2001:db8::a", "2001:db8::b", "2001:db8::c"))


class Link:
    """An interface with its addresses, an error to raise, and lists of what was announced and logged."""

    def __init__(self, *addresses: IPv6Address) -> None:
        self.has = list(addresses)
        self.error: Exception | None = None
        self.announced: list[tuple[IPv6Address, str, IPv6Address]] = []
        self._records = Records()
        self.refresher = Refresher(
            lambda _: self.has, self._report, Log(LogConfig("json", "debug"), self._records), 60.0
        )

    def announce(self, count: int) -> list[float]:
        """Announce *count* times; return the pauses in seconds."""
        return [self.refresher.announce_next("wan0") for _ in range(count)]

    def logged(self) -> list[tuple[str, str]]:
        """Return level and event of every record."""
        return [(level, json.loads(text)["event"]) for level, text in self._records.written]

    def _report(self, address: IPv6Address, dev: str, source: IPv6Address) -> None:
        if self.error is not None:
            raise self.error
        self.announced.append((address, dev, source))


def test_each_address_is_announced_once_per_interval() -> None:
    """Three addresses share the interval evenly; the link-local address is the source."""
    link = Link(B, LINK_LOCAL, A, C)

    assert link.announce(4) == [20.0, 20.0, 20.0, 20.0]
    assert link.announced == [(it, "wan0", LINK_LOCAL) for it in (A, B, C, A)]


def test_addresses_that_come_and_go() -> None:
    """The order is kept: a removed address is not announced, and a new one is inserted."""
    link = Link(LINK_LOCAL, A, C)
    link.announce(1)
    link.has = [LINK_LOCAL, B]

    assert link.announce(2) == [60.0, 60.0]
    assert [address for address, _, _ in link.announced] == [A, B, B]


def test_only_changes_are_logged_at_level_info() -> None:
    """The first announcement, each new error, and the first announcement after it are logged once."""
    link = Link(LINK_LOCAL, A)
    link.announce(2)
    link.error = OSError(100, "Network is down")
    link.announce(2)
    link.error = NdpbrError("another")
    assert link.announce(1) == [60.0]
    link.error = None
    link.announce(2)

    works, fails = "address-refreshed", "refresh-failed"
    assert link.logged() == [
        ("info", works),
        ("debug", works),
        ("warning", fails),
        ("warning", fails),
        ("info", fails),
        ("debug", works),
        ("debug", works),
    ]


def test_nothing_is_announced_without_a_source_or_address() -> None:
    """Switches accept only link-local sources, and without a global address there is nothing to announce."""
    for addresses in ([A], [LINK_LOCAL], []):
        link = Link(*addresses)

        assert link.announce(1) == [60.0]
        assert (link.announced, link.logged()) == ([], [("warning", "refresh-failed")])
