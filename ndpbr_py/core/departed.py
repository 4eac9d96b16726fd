"""Forgotten hosts -> how long a host that is learned again was away.

Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from ipaddress import IPv6Address

from ndpbr_py.core.bounded import remember

_MAX_HOSTS = 1000
_MAX_AWAY_S = 86400.0  # a privacy address that is older is not used again (RFC 8981, 3.8)


@dataclass(frozen=True, slots=True)
class Departure:
    """A host that has answered, and was forgotten.

    Attributes:
        last_seen: When it was last known to be present, in seconds.
        dev: The interface where it was.
        solicited: Whether another host has solicited it since then.
    """

    last_seen: float
    dev: str
    solicited: bool


class Departed:
    """The latest hosts that have answered and were forgotten.  One that never answered may not exist."""

    def __init__(self) -> None:
        self._hosts: dict[IPv6Address, Departure] = {}

    def add(self, address: IPv6Address, departure: Departure) -> None:
        """Add a forgotten host."""
        remember(self._hosts, address, departure, _MAX_HOSTS)

    def on_solicitation(self, address: IPv6Address) -> None:
        """Note that a host has solicited *address*, which may be in the table."""
        # Hashing an address is slow, so an empty table is tested first.
        if self._hosts and (departure := self._hosts.get(address)) is not None:
            self._hosts[address] = replace(departure, solicited=True)

    def pop(self, address: IPv6Address, now: float) -> Departure | None:
        """Remove and return the departure of a host that is learned again within a day."""
        departure = self._hosts.pop(address, None) if self._hosts else None
        return departure if departure is not None and now - departure.last_seen <= _MAX_AWAY_S else None
