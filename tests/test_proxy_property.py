"""Whatever happens, in any order: the kernel has the installed entries, and none that attracts packets in vain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv6Address

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ndpbr_py.core import on_demand
from ndpbr_py.core.actions import Action, AddProxy, AddRoute, Advertise, DelProxy, DelRoute, RejoinGroup
from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.events import (
    ActionRefused,
    Event,
    KernelSnapshot,
    LinkChanged,
    NeighborChanged,
    NeighborDeleted,
    NudState,
    Refusal,
    Route,
    SnapshotStarted,
    SolicitationReceived,
    Tick,
)
from ndpbr_py.core.host_states import HostState
from tests.builders import nd_proxy, prefix_route
from tests.effort import examples
from tests.kernel_model import Kernel, Key, believed

LISTED, WITHOUT_ND = ("wan0", "lan0", "lan1", "tun0"), ("tun0",)
WITH_ND = ("wan0", "lan0", "lan1")
DEVS = st.sampled_from([*WITH_ND, "eth9"])
LISTED_DEVS = st.sampled_from(LISTED)
WITH_ND_DEVS = st.sampled_from(WITH_ND)
# Three hosts, two of them in one multicast group, two more in the nested prefix, the modem (next hop on wan0), the
# router itself, one off-link, one link-local.
NESTED = "2001:db8:0:0:b::/80"
NEXT_HOP, OWN = IPv6Address("2001:db8::1"), IPv6Address("2001:db8::2")
ON_LINK = [IPv6Address(f"2001:db8::{n}") for n in (32, 33, "1:0:33", "b:0:0:5", "b:0:0:6")]
ADDRESSES = st.sampled_from([*ON_LINK, NEXT_HOP, OWN, IPv6Address("2606:4700::1111"), IPv6Address("fe80::33")])
# How another program may route the nested prefix: to a tunnel, behind a gateway, to a bridge, or not at all.
PLACES = (prefix_route(NESTED, "tun0"), prefix_route(NESTED, "lan1", "fe80::7"), prefix_route(NESTED, "lan0"), None)
LLADDRS = st.sampled_from([f"02:00:00:00:00:0{n}" for n in range(1, 4)])
STATES_WITH_LLADDR = [NudState.STALE, NudState.REACHABLE, NudState.DELAY, NudState.PROBE, NudState.PERMANENT]
MAX_HOSTS, PER_LLADDR = 3, 2
WITHHELD_S = 10.0  # how long a proxy entry is withheld at most
CONTESTED = (HostState.CONTESTED, HostState.CONTESTED_UNVERIFIED)


class Life(RuleBasedStateMachine):
    """The program's decisions, carried out on a model of the kernel."""

    @initialize()
    def begin(self) -> None:
        self.kernel = Kernel(LISTED, WITHOUT_ND)
        self.kernel.nested = PLACES[0]
        self.proxy = nd_proxy(*LISTED, max_hosts=MAX_HOSTS, per_lladdr=PER_LLADDR, expire=100.0, refresh=50.0)
        self.now = 0.0
        self.dump: KernelSnapshot | None = None
        self.applying: Iterator[Sequence[Decision]] | None = None
        self.foreign: set[Key] = set()  # the proxy entries of other programs, as last read
        self.refuse: Refusal | None = None  # how the kernel refuses the next entry to be added
        self.delayed: list[LinkChanged] = []  # changes that the monitor has not printed yet
        self.resync = False
        self.resync_again = self.drifted = self.drifted_again = False
        self.handle(SnapshotStarted())
        self.handle(self.kernel.read())

    def handle(self, event: Event) -> None:
        """Let the proxy decide and the kernel carry it out; handle refusals, too."""
        if isinstance(event, KernelSnapshot):
            self.on_snapshot(event)
        elif isinstance(event, SnapshotStarted):
            self.resync_again = self.drifted_again = False
        self.carry_out(self.proxy.handle(event, self.now))

    def on_snapshot(self, kernel: KernelSnapshot) -> None:
        self.foreign = {(it.address, it.dev) for it in kernel.proxies if not it.ours}
        # What was missed after this snapshot started is for the next one.
        self.resync, self.drifted = self.resync_again, self.drifted_again

    def carry_out(self, decisions: Sequence[Decision]) -> None:
        refused, advertised = [], []
        for decision in decisions:
            if decision.resync:
                self.resync = self.resync_again = True
            for action in decision.actions:
                if isinstance(action, Advertise):
                    advertised.append(action)
                why = self.run(action)
                if why is not None:
                    refused.append(ActionRefused(action, why, why.value))
            if decision.kind is DecisionKind.LEARNED and decision.reason not in (Reason.ADOPTED, Reason.ROUTED):
                assert decision.lladdr is not None and decision.dev is not None
                assert self.proxy.hosts.count_with_lladdr(decision.lladdr, decision.dev) <= PER_LLADDR
        for refusal in refused:
            self.handle(refusal)
        for advertisement in advertised:
            self.advertise(advertisement)

    def advertise(self, action: Advertise) -> None:
        """Only what the kernel answers for is advertised, and the modem's own address."""
        if self.proxy.may_advertise(action) and self.kernel_is_known:
            key = action.address, action.dev
            assert key in self.kernel.proxies or (action.address == NEXT_HOP and action.dev != "wan0")

    def run(self, action: Action) -> Refusal | None:
        if isinstance(action, RejoinGroup):
            assert self.dump is None and self.applying is None, "a snapshot might miss the entries just then"
            for address in action.addresses:
                assert self.kernel.proxies.get((address, action.dev)) is not False, "another program's"
            why, self.refuse = self.refuse, None
            return self.kernel.rejoin(action, why)
        if not isinstance(action, AddRoute | DelRoute | AddProxy | DelProxy):
            return None
        if isinstance(action, AddProxy | DelProxy):
            key = (action.address, action.dev)
            assert self.kernel.proxies.get(key) is not False or key not in self.foreign, "another program's"
        if isinstance(action, AddRoute | AddProxy) and self.refuse is not None:
            why, self.refuse = self.refuse, None
            return why
        return self.kernel.run(action)

    @rule(address=ADDRESSES, dev=DEVS, lladdr=LLADDRS, state=st.sampled_from(STATES_WITH_LLADDR))
    def neighbor_is_seen(self, address: IPv6Address, dev: str, lladdr: str, state: NudState) -> None:
        if dev in self.kernel.up or dev == "eth9":
            event = NeighborChanged(address, dev, lladdr, state)
            if dev in WITH_ND:  # a snapshot has no others
                self.kernel.neighbors[address, dev] = event
            self.handle(event)

    @rule(address=ADDRESSES, dev=DEVS, state=st.sampled_from([NudState.FAILED, NudState.INCOMPLETE, NudState.NONE]))
    def neighbor_does_not_answer(self, address: IPv6Address, dev: str, state: NudState) -> None:
        self.kernel.neighbors[address, dev] = event = NeighborChanged(address, dev, None, state)
        self.handle(event)

    @rule(address=ADDRESSES, dev=DEVS)
    def neighbor_is_evicted(self, address: IPv6Address, dev: str) -> None:
        if (gone := self.kernel.neighbors.pop((address, dev), None)) is not None:
            self.handle(NeighborDeleted(address, dev, gone.lladdr, gone.state))

    @rule(dev=LISTED_DEVS, late=st.booleans())
    def link_goes_down_or_up(self, dev: str, late: bool) -> None:
        up = dev not in self.kernel.up
        self.kernel.set_link(dev, up=up)
        self.delayed.append(LinkChanged(LISTED.index(dev) + 2, dev, up, up, dev not in WITHOUT_ND))
        if not late:
            self.delayed_link_changes_arrive()

    @rule()
    def delayed_link_changes_arrive(self) -> None:
        while self.delayed:
            self.handle(self.delayed.pop(0))

    @rule(seconds=st.floats(0.0, 200.0))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        withheld = set(self.proxy.desired.withheld.items())
        self.handle(Tick())

        assert not self.proxy.on_demand.idle(self.now)
        assert seconds < WITHHELD_S or withheld.isdisjoint(self.proxy.desired.withheld.items())

    @rule(address=ADDRESSES, dev=WITH_ND_DEVS)
    def address_is_solicited(self, address: IPv6Address, dev: str) -> None:
        if dev in self.kernel.up:
            self.handle(SolicitationReceived(dev, IPv6Address("fe80::1"), address, "02:00:00:00:00:09"))

    @rule(address=ADDRESSES, dev=WITH_ND_DEVS, lladdr=LLADDRS)
    def duplicate_is_detected(self, address: IPv6Address, dev: str, lladdr: str) -> None:
        """A DAD probe; half a second later its sender might pass."""
        if dev in self.kernel.up:
            self.handle(SolicitationReceived(dev, None, address, lladdr))

    @rule(why=st.sampled_from([Refusal.NO_DEVICE, Refusal.OTHER]))
    def next_entry_will_be_refused(self, why: Refusal) -> None:
        self.refuse = why

    def route_line_is_printed(self) -> None:
        """The monitor reports what other programs do to routes, and the tables are read."""
        self.resync = self.resync_again = True

    @rule(address=ADDRESSES, dev=st.sampled_from([*LISTED, "eth9"]))
    def another_program_adds_a_route(self, address: IPv6Address, dev: str) -> None:
        if (dev in self.kernel.up or dev == "eth9") and address not in self.kernel.others:
            self.kernel.others[address] = dev
            self.route_line_is_printed()

    @precondition(lambda self: len(self.proxy.hosts) > 0)
    @rule(data=st.data())
    def another_program_adds_a_route_to_a_known_host(self, data: st.DataObject) -> None:
        host = data.draw(st.sampled_from(list(self.proxy.hosts)))
        self.another_program_adds_a_route(host.address, host.dev)

    @rule(address=ADDRESSES)
    def another_program_deletes_its_route(self, address: IPv6Address) -> None:
        if self.kernel.others.pop(address, None) is not None:
            self.route_line_is_printed()

    @rule(route=st.sampled_from(PLACES))
    def another_program_routes_the_nested_prefix(self, route: Route | None) -> None:
        if route is None or route.dev in self.kernel.up:
            self.kernel.nested = route
            self.route_line_is_printed()

    @rule(address=ADDRESSES, dev=WITH_ND_DEVS)
    def another_program_adds_a_proxy_entry(self, address: IPv6Address, dev: str) -> None:
        if ("proxy", address, dev) not in believed(self.proxy):
            self.kernel.proxies.setdefault((address, dev), False)

    @rule(address=ADDRESSES)
    def entries_are_removed_behind_our_back(self, address: IPv6Address) -> None:
        self.kernel.routes.pop(address, None)
        self.kernel.proxies = {key: ours for key, ours in self.kernel.proxies.items() if key[0] != address}
        self.drifted = self.drifted_again = True

    @precondition(lambda self: self.proxy.snapshot is None)
    @rule()
    def snapshot_starts(self) -> None:
        self.handle(SnapshotStarted())
        self.dump = self.kernel.read()

    @precondition(lambda self: self.dump is not None)
    @rule()
    def snapshot_is_complete(self) -> None:
        assert self.dump is not None
        dump, self.dump = self.dump, None
        self.on_snapshot(dump)
        self.applying = self.proxy.reconcile(dump, self.now, 1)
        self.snapshot_is_applied(1)

    @precondition(lambda self: self.applying is not None)
    @rule(parts=st.integers(1, 3))
    def snapshot_is_applied(self, parts: int) -> None:
        """One to three hosts at a time; the other rules happen in between."""
        assert self.applying is not None
        for _ in range(parts):
            decisions = next(self.applying, None)
            if decisions is None:
                self.applying = None
                break
            self.carry_out(decisions)

    @rule()
    def everything_missed_is_read(self) -> None:
        """The monitor catches up, and snapshots are taken until no more is requested."""
        self.now += 60.0  # entries that another program removes again and again are restored that late
        self.delayed_link_changes_arrive()
        while self.applying is not None:
            self.snapshot_is_applied(9)
        for _ in range(4):
            self.dump, self.refuse = None, None
            self.handle(SnapshotStarted())
            self.handle(self.kernel.read())
            if not self.resync:
                break
        assert not self.resync, "every resync requests another"
        for host in self.proxy.hosts:
            assert host.installed == self.proxy.desired.of(host)
            assert not host.blocked
        named = {it: dev for it, dev in self.kernel.others.items() if self.names_a_host(it, dev)}
        assert {it.address: it.dev for it in self.proxy.hosts if it.state is HostState.ROUTED} == named

    def names_a_host(self, address: IPv6Address, dev: str) -> bool:
        """Whether another program's route makes *address* a host: on a listed link, and eligible."""
        return dev in LISTED and (address in ON_LINK or (address == NEXT_HOP and dev == "wan0"))

    @property
    def kernel_is_known(self) -> bool:
        """Whether the proxy has read, and been told, all that happened to the kernel's tables."""
        return not (self.resync or self.drifted or self.delayed or self.applying is not None)

    @invariant()
    def kernel_has_the_installed_entries(self) -> None:
        if not self.kernel_is_known:
            return
        # The kernel takes a proxy entry on an interface that is down, too; it does nothing there.
        assert {it for it in self.kernel.ours() if it[2] in self.kernel.up} == believed(self.proxy)
        for (address, dev), ours in self.kernel.proxies.items():
            if ours and dev in self.kernel.up:
                assert self.kernel.path(address) not in (None, dev), "attracts packets in vain"
        for address, dev in self.proxy.on_demand:
            assert address not in self.proxy.hosts
            assert on_demand.link_of(self.proxy, address, dev) is not None, "a host there may have it"

    @invariant()
    def detection_is_not_answered_where_the_owner_is_silent(self) -> None:
        """Otherwise the address would be a duplicate for the newcomer."""
        for address, dev in self.proxy.desired.withheld.items():
            assert address not in self.proxy.hosts or ("proxy", address, dev) not in believed(self.proxy)

    @invariant()
    def states_of_hosts_are_consistent(self) -> None:
        """Only a contested host has a claimant, on another link; the hosts that have not answered are counted."""
        for host in self.proxy.hosts:
            assert (host.claimant is not None) == (host.state in CONTESTED)
            assert host.claimant is None or host.claimant.dev != host.dev
        unanswered = sum(not host.state.has_answered for host in self.proxy.hosts)
        assert sum(map(self.proxy.hosts.count_unanswered, (*LISTED, "eth9"))) == unanswered

    @invariant()
    def hosts_are_as_many_as_allowed(self) -> None:
        """Another program's routes may name more."""
        assert sum(host.state is not HostState.ROUTED for host in self.proxy.hosts) <= MAX_HOSTS
        for host in self.proxy.hosts:
            assert host.installed.route not in host.installed.proxies


Life.TestCase.settings = settings(max_examples=examples(500), stateful_step_count=40, deadline=None)
TestLife = Life.TestCase
