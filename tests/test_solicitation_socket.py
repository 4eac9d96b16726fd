"""Real links -> what is heard on them."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from ndpbr_py.core.events import SolicitationReceived
from ndpbr_py.packets.solicitation_socket import SolicitationSocket
from tests.builders import addr
from tests.home import MODEM, Home
from tests.lab import Host

NOBODY = "2001:db8:64::99"


class Ears:
    """A listener in a namespace, and what it has told."""

    def __init__(self) -> None:
        self.heard: list[SolicitationReceived] = []
        self.opened: list[str] = []
        self.refused: list[str] = []
        self.listener = SolicitationSocket(self.heard.extend, self.opened.append, self.refused.append)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait for *condition*; fail after 10 s."""
        async with asyncio.timeout(10):
            while not condition():
                await asyncio.sleep(0.01)


def listening(router: Host, body: Callable[[Ears], Awaitable[None]]) -> Ears:
    """Return what was heard while *body* went on."""

    async def main() -> Ears:
        ears = Ears()
        try:
            await body(ears)
        finally:
            ears.listener.close()
        return ears

    return router.inside(lambda: asyncio.run(main()))


def indexes(*devs: str) -> dict[str, int]:
    """Return the interfaces' indexes, inside."""
    return {dev: socket.if_nametoindex(dev) for dev in devs}


def ask_for(host: Host, address: str, dev: str = "eth0") -> None:
    """Have the host's kernel solicit *address*."""
    host.ip(f"-6 neigh replace {address} dev {dev} nud none use")


def test_solicitation_for_any_group_is_heard_with_who_asks(home: Home) -> None:
    """All groups are heard without promiscuous mode, on their own interface; what the router sends itself is not."""
    mac = home.lan.mac("eth0")

    async def body(ears: Ears) -> None:
        ears.listener.tune(indexes("wan0", "lan0"))
        ask_for(home.router, MODEM, "wan0")
        ask_for(home.lan, NOBODY)
        await ears.until(lambda: ears.heard)

    ears = listening(home.router, body)

    assert ears.opened == ["wan0", "lan0"]
    assert {(heard.dev, heard.target, heard.lladdr) for heard in ears.heard} == {("lan0", addr(NOBODY), mac)}
    assert "PROMISC" not in home.router.ip("-d link show lan0")


def test_nothing_stays_behind(home: Home) -> None:
    """All groups are let in while the socket is open, and no longer."""
    counted = []

    async def body(ears: Ears) -> None:
        ears.listener.tune(indexes("lan0"))
        counted.append(_allmulti(home.router))

    listening(home.router, body)

    assert [*counted, _allmulti(home.router)] == ["1", "0"]


def test_interface_made_anew_is_listened_to(home: Home) -> None:
    """Of the same name, but another: the old socket hears nothing any more."""

    async def body(ears: Ears) -> None:
        ears.listener.tune(indexes("lan0"))
        home.router.ip("link set lan0 name gone0 down")
        home.router.ip("link set lan1 down")
        home.router.ip("link set lan1 name lan0 up")
        ears.listener.tune(indexes("lan0"))
        ask_for(home.lan2, NOBODY)
        await ears.until(lambda: ears.heard)

    ears = listening(home.router, body)

    assert ears.opened == ["lan0", "lan0"]
    assert {(heard.dev, heard.lladdr) for heard in ears.heard} == {("lan0", home.lan2.mac("eth0"))}


def test_interface_that_goes_down_is_let_go(home: Home) -> None:
    """Its socket ends without a word; when it is up again it is listened to again."""

    async def body(ears: Ears) -> None:
        ears.listener.tune(indexes("lan0"))
        home.router.ip("link set lan0 down")
        await asyncio.sleep(0.05)
        home.router.ip("link set lan0 up")
        ears.listener.tune(indexes("lan0"))
        ask_for(home.lan, MODEM)
        await ears.until(lambda: ears.heard)

    assert listening(home.router, body).opened == ["lan0", "lan0"]


def test_interface_that_is_not_there_is_no_trouble(home: Home) -> None:
    """It may have gone between the reading and now: the next reading will tell."""

    async def body(ears: Ears) -> None:
        ears.listener.tune({"gone0": 77})

    ears = listening(home.router, body)

    assert (ears.opened, ears.refused) == ([], [])


def _allmulti(host: Host) -> str:
    words = host.ip("-d link show lan0").split()
    return words[words.index("allmulti") + 1]
