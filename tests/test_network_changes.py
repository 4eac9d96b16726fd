"""Snapshots, one after the other -> prefixes and default routes that came or went."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ndpbr_py.core.events import KernelSnapshot, Route, RouterAddress
from ndpbr_py.core.network_changes import Changes, NetworkState
from tests.builders import PREFIX, addr, kernel, prefix_route

DEVS = ("wan0", "lan0")
ON_WAN = (PREFIX, "wan0")
NEXT = prefix_route("2001:db8:77::/64")
DEFAULT = prefix_route("::/0", via="fe80::1")
UP = kernel(prefix_route(), DEFAULT)
NOTHING = kernel()


def with_address(*, deprecated: bool) -> KernelSnapshot:
    """Return a snapshot with a router's address in the prefix."""
    own = RouterAddress(addr("2001:db8::2"), "wan0", settled=not deprecated, deprecated=deprecated)
    return replace(UP, router_addresses=(own,))


PREFERRED, DEPRECATED = with_address(deprecated=False), with_address(deprecated=True)


@pytest.mark.parametrize(
    ("snapshots", "changes"),
    [
        ([UP], Changes()),
        ([UP, UP], Changes()),
        ([UP, kernel(prefix_route(), NEXT, DEFAULT)], Changes(added=[(NEXT.prefix, "wan0")])),
        ([UP, kernel(DEFAULT)], Changes(removed=[ON_WAN])),
        # A link that is down has no routes; its prefix comes back with it.
        ([UP, kernel(DEFAULT, up=["lan0"])], Changes()),
        ([UP, kernel(DEFAULT, up=["lan0"]), UP], Changes()),
        # An interface that is not listed.
        ([UP, kernel(prefix_route(), DEFAULT, prefix_route("2001:db8:9::/64", "eth9"))], Changes()),
        # A route to a prefix behind another router is no on-link prefix.
        ([UP, kernel(prefix_route(), DEFAULT, prefix_route("2001:db8:9::/64", via="fe80::9"))], Changes()),
        ([PREFERRED, DEPRECATED], Changes(deprecated=[ON_WAN])),
        ([PREFERRED, DEPRECATED, DEPRECATED], Changes()),
        ([PREFERRED, DEPRECATED, PREFERRED], Changes(added=[ON_WAN])),
        ([DEPRECATED], Changes()),
        ([NOTHING, DEPRECATED], Changes(deprecated=[ON_WAN])),
        ([UP, kernel(prefix_route())], Changes(lost=DEFAULT)),
        ([UP, kernel(prefix_route()), kernel(prefix_route())], Changes(lost_for_s=10.0)),
        ([UP, kernel(prefix_route()), UP], Changes(restored=DEFAULT, lost_for_s=10.0)),
        # At the start it was missing, not lost: the check says so.
        ([kernel(prefix_route()), UP], Changes()),
    ],
)
def test_changes_between_snapshots(snapshots: list[KernelSnapshot], changes: Changes) -> None:
    """The changes between the last two of *snapshots*, ten seconds apart."""
    state = NetworkState()
    for number, snapshot in enumerate(snapshots):
        found = state.changes(snapshot, DEVS, 10.0 * number)

    assert found == changes


def test_default_route_by_another_gateway_is_not_lost() -> None:
    """The route is renewed all the time; only a router without any is cut off."""
    state = NetworkState()
    other = Route(DEFAULT.prefix, "wan0", addr("fe80::2"))
    state.changes(UP, DEVS, 0.0)

    assert state.changes(kernel(prefix_route(), other), DEVS, 10.0) == Changes()
