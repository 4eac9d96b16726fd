"""Host, interfaces, entries of other programs -> the desired entries of the host."""

from __future__ import annotations

import pytest

from ndpbr_py.core.desired import DesiredEntries
from ndpbr_py.core.entry_diff import NOTHING, Entries
from ndpbr_py.core.events import HostRoute, RouteType
from tests.builders import entry, kernel, known, route

THREE = ("wan0", "lan0", "lan1")


def test_host_is_answered_for_on_every_other_interface() -> None:
    """Route where the host is, proxy entries on all others, in the order listed."""
    assert DesiredEntries(THREE).of(known()) == Entries("lan0", ("wan0", "lan1"))


def test_interface_that_is_down_takes_no_entry() -> None:
    """Entries go on interfaces that are up; a host behind one that is down has none."""
    desired = DesiredEntries(THREE)

    desired.use({"lan0", "wan0", "eth7"})

    assert desired.usable == {"lan0", "wan0"}
    assert desired.of(known()) == Entries("lan0", ("wan0",))
    assert desired.of(known(dev="lan1")) == NOTHING


def test_interface_without_neighbor_discovery_takes_no_proxy_entry() -> None:
    """An interface without neighbor discovery gets routes, but no proxy entries."""
    desired = DesiredEntries(THREE)

    desired.use(THREE, without_nd=["wan0"])

    assert desired.of(known()) == Entries("lan0", ("lan1",))
    assert desired.of(known(dev="wan0")) == Entries("wan0", ("lan0", "lan1"))


def test_blocked_host_gets_nothing() -> None:
    """A host whose entry was refused has none until the next snapshot."""
    host = known()
    host.blocked = True

    assert DesiredEntries(THREE).of(host) == NOTHING


def test_foreign_route_to_the_host_does_the_work_of_ours() -> None:
    """Another program's route to the host replaces ours; the proxy entries are ours."""
    desired = DesiredEntries(THREE)

    desired.read(kernel(route(ours=False)))

    assert desired.of(known()) == Entries(None, ("wan0", "lan1"))
    assert desired.obstacle(known()) == route(ours=False)


def test_foreign_route_elsewhere_leaves_the_host_without_entries() -> None:
    """Another program's route elsewhere is obeyed: our entries would attract packets that go elsewhere."""
    desired = DesiredEntries(THREE)

    desired.read(kernel(route(dev="tun0", ours=False)))

    assert desired.of(known()) == NOTHING
    assert desired.obstacle(known()) == route(dev="tun0", ours=False)


@pytest.mark.parametrize(
    "foreign", [route(dev=None, ours=True), route(dev=None, ours=False, kind=RouteType.BLACKHOLE)], ids=str
)
def test_route_without_an_interface_leaves_the_host_without_entries(foreign: HostRoute) -> None:
    """A multipath or blackhole route is obeyed, and is never ours: ndpbr adds no such route."""
    desired = DesiredEntries(THREE)

    desired.read(kernel(foreign))

    assert desired.of(known()) == NOTHING
    assert desired.obstacle(known()) == foreign


def test_foreign_proxy_entry_is_left_alone() -> None:
    """Where another program answers already, ndpbr does not."""
    desired = DesiredEntries(THREE)

    desired.read(kernel(entry(dev="wan0", ours=False), entry(dev="lan1", ours=False)))

    assert desired.of(known()) == Entries("lan0", ())
    assert desired.obstacle(known()) == (entry(dev="lan1", ours=False), entry(dev="wan0", ours=False))


def test_our_own_entries_and_other_hosts_are_no_obstacle() -> None:
    """Only another program's entry for this address matters."""
    desired = DesiredEntries(THREE)

    desired.read(kernel(route(), entry(), route("2001:db8::99", ours=False)))

    assert desired.of(known()) == Entries("lan0", ("wan0", "lan1"))
    assert desired.obstacle(known()) is None


def test_foreign_entry_that_went_away_is_forgotten() -> None:
    """Each snapshot replaces the one before."""
    desired = DesiredEntries(THREE)
    desired.read(kernel(route(dev="tun0", ours=False)))

    desired.read(kernel())

    assert desired.of(known()) == Entries("lan0", ("wan0", "lan1"))
