"""NdProxy: time, refusals, and what reaches whom.  (Each kind of event has tests of its own.)"""

from __future__ import annotations

import pytest

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute, Probe
from ndpbr_py.core.decision import Detail, Reason
from ndpbr_py.core.entry_diff import NOTHING
from ndpbr_py.core.events import ActionRefused, NudState, Refusal, Tick
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from tests.builders import LLADDR, actions, addr, changed, handle, kernel, nd_proxy, why

A = addr()
REACHABLE = NudState.REACHABLE
REMOVE = [DelProxy(A, "wan0"), DelRoute(A, "lan0")]


@pytest.mark.parametrize("refusal", [Refusal.NO_DEVICE, Refusal.OTHER, Refusal.DENIED, Refusal.ABSENT])
@pytest.mark.parametrize("action", [AddRoute(A, "lan0"), AddProxy(A, "wan0")])
def test_refused_entry_takes_the_others_along(action: Action, refusal: Refusal) -> None:
    """A host whose route or proxy entry was refused has neither, until the tables were read again."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = handle(proxy, ActionRefused(action, refusal, "No such device"))

    assert (why(decisions), decisions[0].detail) == ([("action-refused", "refused")], Detail(error="No such device"))
    assert actions(decisions) == REMOVE
    assert [host.installed for host in proxy.hosts] == [NOTHING]
    assert actions(handle(proxy, kernel())) == [AddRoute(A, "lan0"), AddProxy(A, "wan0")]


def test_late_refusal_does_not_concern_a_host_that_has_moved() -> None:
    """A refusal for the old link comes after the move: the entries of the new link stay."""
    proxy = nd_proxy("wan0", "lan0", "lan1")
    handle(proxy, changed(state=REACHABLE), now=0.0)
    handle(proxy, changed(dev="lan1"), now=60.0)

    assert handle(proxy, ActionRefused(AddRoute(A, "lan0"), Refusal.NO_DEVICE, "No such device"), now=60.0) == []
    assert [host.installed.route for host in proxy.hosts] == ["lan1"]


def test_missing_device_has_the_tables_read() -> None:
    """An interface that is gone, or down, is noticed soon."""
    refused = ActionRefused(AddProxy(A, "wan0"), Refusal.NO_DEVICE, "No such device")

    assert [it.resync for it in handle(nd_proxy(), changed(state=REACHABLE), refused)] == [True]


def test_entry_that_exists_has_the_tables_read() -> None:
    """Whose the entry is that is there already, only the tables tell."""
    decisions = handle(
        nd_proxy(), changed(state=REACHABLE), ActionRefused(AddRoute(A, "lan0"), Refusal.EXISTS, "File exists")
    )

    assert (why(decisions), decisions[0].resync) == ([("host-retained", "refused")], True)


@pytest.mark.parametrize("action", [DelRoute(A, "lan0"), DelProxy(A, "wan0"), Probe(A, "lan0", LLADDR)])
def test_refused_removal_or_probe_waits_for_the_next_snapshot(action: Action) -> None:
    """An entry that could not be removed is gone already; a host that could not be probed is probed later."""
    proxy = nd_proxy()

    assert handle(proxy, changed(state=REACHABLE), ActionRefused(action, Refusal.ABSENT, "")) == []
    assert [host.installed == NOTHING for host in proxy.hosts] == [False]


def test_refusal_for_an_unknown_host_is_ignored() -> None:
    """The host was forgotten meanwhile."""
    assert handle(nd_proxy(), ActionRefused(AddRoute(A, "lan0"), Refusal.OTHER, "")) == []


def test_silent_host_is_probed_once_an_interval() -> None:
    """A host not confirmed within the expire interval is probed, and probed again when it is FAILED."""
    proxy = nd_proxy(expire=100.0)
    handle(proxy, changed(state=REACHABLE), now=0.0)
    handle(proxy, changed(), Tick(), now=10.0)

    assert handle(proxy, Tick(), now=109.0) == []
    decisions = handle(proxy, Tick(), now=210.0)
    assert (why(decisions), actions(decisions)) == ([("host-probed", "not-confirmed")], [Probe(A, "lan0", LLADDR)])
    assert why(handle(proxy, changed(state=NudState.FAILED), now=213.0)) == [("host-probed", "one-more-try")]
    assert why(handle(proxy, changed(state=NudState.FAILED), now=216.0)) == [("host-forgotten", "no-answer")]


def test_refused_lookup_on_another_link_does_not_end_the_second_try() -> None:
    """A host that is probed again on its link stays when a lookup on another link is refused."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE), changed(state=NudState.FAILED))

    gone = Probe(A, "wan0", None), Probe(A, "lan0", None)
    refusals = [handle(proxy, ActionRefused(probe, Refusal.OTHER, "")) for probe in gone]
    assert list(map(why, refusals)) == [[], [("host-forgotten", "no-answer")]]


@pytest.mark.parametrize("state", [REACHABLE, NudState.PERMANENT])
def test_host_that_the_kernel_knows_to_be_there_is_not_probed(state: NudState) -> None:
    """REACHABLE needs no probe, and PERMANENT must have none."""
    proxy = nd_proxy(expire=100.0)
    handle(proxy, changed(state=state), Tick())

    assert handle(proxy, Tick(), now=1000.0) == []


def test_every_global_address_is_learned_where_everything_is_on_link() -> None:
    """A replay without prefixes has no connected prefixes to go by."""
    proxy = NdProxy(Rules(("wan0", "lan0"), everything_on_link=True))

    assert why(handle(proxy, changed("2606:4700::33"))) == [("host-learned", "first-sight")]


def test_forgetting_removes_proxy_entries_before_the_route() -> None:
    """When the daemon stops, the proxy entries of each host are removed first, then its route."""
    proxy = nd_proxy()
    handle(proxy, changed(state=REACHABLE))

    decisions = [proxy.forget(host, Reason.STOPPING, 0.0) for host in proxy.hosts]

    assert (why(decisions), actions(decisions)) == ([("host-forgotten", "stopping")], REMOVE)
    assert len(proxy.hosts) == 0


def test_route_that_the_kernel_should_have() -> None:
    """The route of a host is expected on its link, and on no other."""
    proxy = nd_proxy()
    handle(proxy, changed())

    assert proxy.has_route(addr(), "lan0")
    assert not proxy.has_route(addr(), "wan0")
    assert not proxy.has_route(addr("2001:db8:64::99"), "lan0")
