"""Real links -> the solicitations that pass them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.solicitation_socket import SocketEvent, SocketOpened, SolicitationSocket
from tests.builders import addr
from tests.home import MODEM, Home
from tests.lab import Host
from tests.scripts import until

UNUSED = "2001:db8:64::99"

Body = Callable[[SolicitationSocket, list[SocketEvent]], Awaitable[None]]


def events_during(router: Host, body: Body) -> list[SocketEvent]:
    """Return the events that a socket in the router's namespace emits while *body* runs."""

    async def story() -> list[SocketEvent]:
        events: list[SocketEvent] = []
        sockets = SolicitationSocket(events.extend)
        try:
            await body(sockets, events)
            await asyncio.sleep(0)
        finally:
            sockets.close()
        return events

    return router.inside(lambda: asyncio.run(story()))


def received(events: list[SocketEvent]) -> list[SolicitationReceived]:
    """Return the solicitations among *events*."""
    return [event for event in events if isinstance(event, SolicitationReceived)]


def opened(events: list[SocketEvent]) -> list[str]:
    """Return the interfaces of the sockets that were opened; nothing else but solicitations may be among *events*."""
    others = [event for event in events if not isinstance(event, SolicitationReceived)]
    assert all(isinstance(event, SocketOpened) for event in others)
    return [event.dev for event in others if isinstance(event, SocketOpened)]


def indexes(*devs: str) -> dict[str, int]:
    """Return the indexes of interfaces, called inside the namespace."""
    return {dev: socket.if_nametoindex(dev) for dev in devs}


def solicit(host: Host, address: str, dev: str = "eth0") -> None:
    """Let the host's kernel solicit *address*."""
    host.ip(f"-6 neigh replace {address} dev {dev} nud none use")


def test_solicitation_for_any_group_is_received_with_its_sender(home: Home) -> None:
    """All groups are received without promiscuous mode, each on its interface; the router's own packets are not."""
    mac = home.lan.mac("eth0")

    async def body(sockets: SolicitationSocket, events: list[SocketEvent]) -> None:
        sockets.tune(indexes("wan0", "lan0"))
        solicit(home.router, MODEM, "wan0")
        solicit(home.lan, UNUSED)
        await until(lambda: received(events))

    events = events_during(home.router, body)

    assert opened(events) == ["wan0", "lan0"]
    assert {(event.dev, event.target, event.lladdr) for event in received(events)} == {("lan0", addr(UNUSED), mac)}
    assert "PROMISC" not in home.router.ip("-d link show lan0")


def test_nothing_stays_behind(home: Home) -> None:
    """The interface receives all groups while the socket is open, and no longer."""
    counts = []

    async def body(sockets: SolicitationSocket, _: list[SocketEvent]) -> None:
        sockets.tune(indexes("lan0"))
        counts.append(_allmulti(home.router))

    events_during(home.router, body)

    assert [*counts, _allmulti(home.router)] == ["1", "0"]


def test_recreated_interface_gets_a_new_socket(home: Home) -> None:
    """The new interface has the same name, but the old socket receives nothing any more."""

    async def body(sockets: SolicitationSocket, events: list[SocketEvent]) -> None:
        sockets.tune(indexes("lan0"))
        home.router.ip("link set lan0 name gone0 down")
        home.router.ip("link set lan1 down")
        home.router.ip("link set lan1 name lan0 up")
        sockets.tune(indexes("lan0"))
        solicit(home.lan2, UNUSED)
        await until(lambda: received(events))

    events = events_during(home.router, body)

    assert opened(events) == ["lan0", "lan0"]
    assert {(event.dev, event.lladdr) for event in received(events)} == {("lan0", home.lan2.mac("eth0"))}


def test_interface_that_was_down_gets_a_new_socket(home: Home) -> None:
    """The socket of an interface that goes down is closed; when the interface is up again another is opened."""

    async def body(sockets: SolicitationSocket, events: list[SocketEvent]) -> None:
        sockets.tune(indexes("lan0"))
        home.router.ip("link set lan0 down")
        await asyncio.sleep(0.05)
        home.router.ip("link set lan0 up")
        sockets.tune(indexes("lan0"))
        solicit(home.lan, MODEM)
        await until(lambda: received(events))

    assert opened(events_during(home.router, body)) == ["lan0", "lan0"]


def test_missing_interface_is_ignored(home: Home) -> None:
    """The interface may have disappeared after the snapshot was taken: the next snapshot shows that."""

    async def body(sockets: SolicitationSocket, _: list[SocketEvent]) -> None:
        sockets.tune({"gone0": 77})

    assert events_during(home.router, body) == []


def _allmulti(host: Host) -> str:
    words = host.ip("-d link show lan0").split()
    return words[words.index("allmulti") + 1]
