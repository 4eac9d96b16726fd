"""A solicitation that the kernel could not answer yet -> an advertisement once it has the entries."""

from __future__ import annotations

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, Probe
from ndpbr_py.core.events import ActionRefused, NudState, Refusal, Tick
from ndpbr_py.core.proxy import NdProxy
from tests.builders import HOST, LLADDR, actions, addr, changed, detection, handle, nd_proxy, solicited

A = addr()
SENDER = addr("fe80::1")
OTHER = addr("fe80::2")
LATE = Advertise(A, "wan0", SENDER)


def advertised(proxy: NdProxy, *, now: float = 0.0) -> list[Action]:
    """Return the advertisements that follow when the host is learned on lan0."""
    return [it for it in actions(handle(proxy, changed(), now=now)) if isinstance(it, Advertise)]


def test_sender_that_waits_is_answered_behind_the_entries() -> None:
    """The advertisement comes after the route and the proxy entry, which the kernel acknowledges first."""
    learned = handle(nd_proxy(), solicited(), changed())

    assert actions(learned) == [AddRoute(A, "lan0"), AddProxy(A, "wan0"), Probe(A, "lan0", LLADDR), LATE]


def test_each_sender_is_answered_once() -> None:
    """Two hosts that solicited one address get one advertisement each, however often they solicited it."""
    proxy = nd_proxy()
    handle(proxy, solicited(), solicited(source="fe80::2"), solicited())

    assert advertised(proxy) == [LATE, Advertise(A, "wan0", OTHER)]


def test_sender_is_remembered_while_it_solicits() -> None:
    """After three seconds a host has given up, and gets no advertisement."""
    late, too_late = nd_proxy(), nd_proxy()
    handle(late, solicited())
    handle(too_late, solicited())

    assert advertised(late, now=2.9) == [LATE]
    assert advertised(too_late, now=3.0) == []


def test_host_is_not_advertised_on_its_own_link() -> None:
    """A neighbor of the host gets the host's own answer."""
    proxy = nd_proxy()
    handle(proxy, solicited(dev="lan0"))

    assert advertised(proxy) == []


def test_sender_that_comes_while_the_entries_are_added_is_answered() -> None:
    """The kernel may not have them yet; a second later it has answered itself."""
    proxy = nd_proxy()
    handle(proxy, changed())

    assert actions(handle(proxy, solicited(), now=0.5)) == [LATE]
    assert actions(handle(proxy, solicited(), now=1.0)) == []


def test_refused_host_is_not_advertised() -> None:
    """Where the kernel refused the entry, neither a waiting nor a later sender is answered."""
    proxy = nd_proxy()
    handle(proxy, solicited(), changed(), ActionRefused(AddProxy(A, "wan0"), Refusal.OTHER, "No buffer space"))

    assert not proxy.may_advertise(LATE)
    assert actions(handle(proxy, solicited())) == []


def test_withheld_address_is_not_advertised() -> None:
    """An address that a host on lan1 is about to use is not advertised there."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=NudState.REACHABLE), detection(dev="lan1"), changed(state=NudState.PROBE))
    assert proxy.may_advertise(Advertise(A, "lan1", SENDER))
    at = proxy.lookups.next_deadline()
    assert at is not None
    handle(proxy, Tick(), now=at)

    assert not proxy.may_advertise(Advertise(A, "lan1", SENDER))
    assert proxy.may_advertise(LATE)
    assert actions(handle(proxy, solicited(dev="lan1"), now=at)) == []


def test_flood_drops_the_oldest_and_takes_nothing_from_another_link() -> None:
    """Of 10,000 targets on one link its share is remembered; a sender on the other link still waits."""
    proxy = nd_proxy()
    handle(proxy, solicited())
    for n in range(10_000):
        handle(proxy, solicited(f"2001:db8::5ca:{n:x}", "lan0"))

    assert proxy.waiting._numbers == {"wan0": 1, "lan0": 500}
    assert advertised(proxy) == [LATE]


def test_flood_of_senders_gets_a_bounded_number_of_advertisements() -> None:
    """A host that solicits a new address from thousands of sources gets no more than its link's rate."""
    proxy = nd_proxy()
    handle(proxy, changed())

    sent = [it for n in range(5000) for it in actions(handle(proxy, solicited(HOST, source=f"fe80::{n:x}"), now=0.5))]

    assert 0 < len(sent) <= 250


def test_flood_of_senders_of_one_address_is_bounded() -> None:
    """Of many senders of one address the last sixteen are answered: a host that answers all would amplify."""
    proxy = nd_proxy()
    handle(proxy, *(solicited(source=f"fe80::{number:x}") for number in range(1, 21)))

    assert advertised(proxy) == [Advertise(A, "wan0", addr(f"fe80::{number:x}")) for number in range(5, 21)]


def test_entries_in_progress_are_bounded() -> None:
    """A thousand entries later the first ones count as acknowledged: the kernel answers for them itself."""
    proxy = nd_proxy()
    hosts = [
        changed(f"2001:db8::1:{number:x}", lladdr=f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}")
        for number in range(1001)
    ]
    handle(proxy, *hosts)

    first, last = hosts[0].address, hosts[-1].address
    assert not proxy.waiting.in_progress(first, 0.5)
    assert proxy.waiting.in_progress(last, 0.5)


def test_each_solicitation_is_answered_from_the_target_where_the_user_says_so() -> None:
    """Both answers to a sender that waited; later the kernel sends the first one itself."""
    proxy = nd_proxy("wan0", "lan0", "lan1", answer_as_target=["wan0"])
    as_target = Advertise(A, "wan0", SENDER, as_target=True)
    handle(proxy, solicited())

    assert advertised(proxy) == [LATE, as_target]
    assert actions(handle(proxy, solicited(), now=2.0)) == [as_target]
    assert actions(handle(proxy, solicited(dev="lan1"), now=2.0)) == []
    assert actions(handle(proxy, solicited(dev="lan0"), now=2.0)) == []
