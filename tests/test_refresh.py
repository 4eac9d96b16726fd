"""Whose turn it is, of an interface's addresses."""

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
    """An interface: the addresses it has, what was announced, what stands in the way; and the log."""

    def __init__(self, *addresses: IPv6Address) -> None:
        self.has = list(addresses)
        self.trouble: Exception | None = None
        self.announced: list[tuple[IPv6Address, str, IPv6Address]] = []
        self._records = Records()
        self.refresher = Refresher(
            lambda _: self.has, self._announce, Log(LogConfig("json", "debug"), self._records), 60.0
        )

    def turns(self, count: int) -> list[float]:
        """Take *count* turns; return the pause after each."""
        return [self.refresher.turn("wan0") for _ in range(count)]

    def said(self) -> list[tuple[str, str]]:
        """Return level and event of every record."""
        return [(level, json.loads(text)["event"]) for level, text in self._records.written]

    def _announce(self, address: IPv6Address, dev: str, source: IPv6Address) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.announced.append((address, dev, source))


def test_each_address_has_its_turn_once_an_interval() -> None:
    """Three addresses share the interval evenly; the link-local one is who speaks."""
    link = Link(B, LINK_LOCAL, A, C)

    assert link.turns(4) == [20.0, 20.0, 20.0, 20.0]
    assert link.announced == [(it, "wan0", LINK_LOCAL) for it in (A, B, C, A)]


def test_addresses_that_come_and_go() -> None:
    """The round goes on from where it was: one that has gone is not announced, a new one is in its place."""
    link = Link(LINK_LOCAL, A, C)
    link.turns(1)
    link.has = [LINK_LOCAL, B]

    assert link.turns(2) == [60.0, 60.0]
    assert [address for address, _, _ in link.announced] == [A, B, B]


def test_only_what_is_new_is_told_at_level_info() -> None:
    """At level info is logged once that it works, a failure once for each reason, and the end of the failure."""
    link = Link(LINK_LOCAL, A)
    link.turns(2)
    link.trouble = OSError(100, "Network is down")
    link.turns(2)
    link.trouble = NdpbrError("another")
    assert link.turns(1) == [60.0]
    link.trouble = None
    link.turns(2)

    works, fails = "address-refreshed", "refresh-failed"
    assert link.said() == [
        ("info", works),
        ("debug", works),
        ("warning", fails),
        ("warning", fails),
        ("info", fails),
        ("debug", works),
        ("debug", works),
    ]


def test_nothing_is_announced_without_an_address_to_speak_from() -> None:
    """Switches believe link-local addresses alone; and without a global one there is nothing to say."""
    for addresses in ([A], [LINK_LOCAL], []):
        link = Link(*addresses)

        assert link.turns(1) == [60.0]
        assert (link.announced, link.said()) == ([], [("warning", "refresh-failed")])
