"""Snapshots, one after the other -> the on-link prefixes and default routes that came or went in between.

Pure. A prefix on an interface that is down is the same as before: the kernel removes its route with the link.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from ipaddress import IPv6Network

from ndpbr_py.core.events import KernelSnapshot, Route

OnLink = tuple[IPv6Network, str]  # a prefix, and the interface where it is on-link


@dataclass(frozen=True, slots=True)
class Changes:
    """The differences from the previous snapshot.

    Attributes:
        added: Prefixes that are on-link now, or that are preferred again.
        removed: Prefixes that are on-link no longer.
        deprecated: Prefixes in which all addresses of the router are deprecated now.
        lost: The first default route of the previous snapshot, if there is none now.
        restored: The default route, if there was none before.
        lost_for_s: How long there was none, in seconds.
    """

    added: list[OnLink] = field(default_factory=list)
    removed: list[OnLink] = field(default_factory=list)
    deprecated: list[OnLink] = field(default_factory=list)
    lost: Route | None = None
    restored: Route | None = None
    lost_for_s: float = 0.0


class NetworkState:
    """The prefixes and the default route of the last snapshot.

    Attributes:
        last_default: The default route that was seen last.
    """

    def __init__(self) -> None:
        self._deprecated: dict[OnLink, bool] | None = None
        self._default: Route | None = None
        self.last_default: Route | None = None
        self._lost_at: float | None = None

    def changes(self, kernel: KernelSnapshot, interfaces: Collection[str], now: float) -> Changes:
        """Return the changes from the previous snapshot to *kernel*; nothing for the first one."""
        before, known = self._deprecated, on_link_prefixes(kernel, interfaces)
        if before is not None:
            known |= {it: deprecated for it, deprecated in before.items() if it[1] not in kernel.up}
        self._deprecated = known
        default = next((route for route in kernel.routes if route.default), None)
        previous, self._default = self._default, default
        self.last_default = default or self.last_default
        if before is None:
            return Changes()
        lost = previous if default is None else None
        if lost is not None:
            self._lost_at = now
        restored, lost_at = (default if previous is None else None), self._lost_at
        return Changes(
            added=[it for it, old in known.items() if not old and before.get(it, True)],
            removed=[it for it in before if it not in known],
            deprecated=[it for it, old in known.items() if old and not before.get(it, False)],
            lost=lost,
            restored=restored if lost_at is not None else None,
            lost_for_s=now - lost_at if lost_at is not None else 0.0,
        )


def on_link_prefixes(kernel: KernelSnapshot, interfaces: Collection[str]) -> dict[OnLink, bool]:
    """Return the on-link prefixes of *interfaces*, and whether each is deprecated."""
    found: dict[OnLink, bool] = {}
    for route in kernel.routes:
        if route.connected and route.dev in interfaces:
            own = [it for it in kernel.router_addresses if it.dev == route.dev and it.address in route.prefix]
            found[route.prefix, route.dev] = bool(own) and all(it.deprecated for it in own)
    return found
