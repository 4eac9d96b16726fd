"""The home in a storm -> what its router's kernel must have in the end, by a small model.

The model is which host lives where, which interface is away, and which entries of another program the kernel has.
What happens is in faults.py.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random

from tests.claim import claim
from tests.home import LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import Host
from tests.observed import hasten, proxies, routes
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
POOL = (LAN, LAN2, *(f"2001:db8:64::{number:x}" for number in range(0x100, 0x10C)))
MACS = {"lan0": "02:00:00:00:03:0b", "lan1": "02:00:00:00:04:0b"}
_FE80 = "address replace fe80::1/64 dev {dev} nodad"


class Storm:
    """The home, its daemon, and the model.

    Attributes:
        living: Address -> the router's interface behind which its host is.
        routes: Address -> where another program's host route leads.
        proxies: Address and interface of another program's proxy entries.
        away: Interface -> what has happened to it: down, unplugged, renamed, renamed while up, or gone.
        done: How often each fault was done.
    """

    def __init__(self, home: Home, start: Callable[[bool], Daemon], random: Random) -> None:
        self.home = home
        self.start = start
        self.random = random
        self.living = {LAN: "lan0", LAN2: "lan1"}
        self.routes: dict[str, str] = {}
        self.proxies: set[tuple[str, str]] = set()
        self.away: dict[str, str] = {}
        self.done: Counter[str] = Counter()
        self.begin()

    def begin(self) -> None:
        """Start a daemon."""
        self.daemon = self.start(True)
        self.monitor_kills = 0

    def calm(self) -> None:
        """Mend every link, and ask for a reading."""
        for dev in tuple(self.away):
            self.fix(dev)
        self.daemon.process.send_signal(signal.SIGHUP)

    def settled(self) -> bool:
        """Whether the router has what it must have; every living host says something first, as hosts do."""
        for address in self.living:
            self.say(address)
        return self.actual() == self.expected()

    def expected(self) -> tuple[set[str], set[str]]:
        """Return the host routes and proxy entries that the router must have: ours and the other program's."""
        host_routes, entries = self.theirs()
        for address, dev in self.living.items():
            if self.routes.get(address, dev) != dev:
                continue
            if address not in self.routes:
                host_routes.add(f"{address} dev {dev} proto 135")
            others = [other for other in DEVS if other != dev and (address, other) not in self.proxies]
            entries |= {f"{address} dev {other} proto 135" for other in others}
        return host_routes, entries

    def theirs(self) -> tuple[set[str], set[str]]:
        """Return the other program's host routes and proxy entries."""
        host_routes = {f"{address} dev {dev} proto static" for address, dev in self.routes.items()}
        return host_routes, {f"{address} dev {dev} proto 199" for address, dev in self.proxies}

    def actual(self) -> tuple[set[str], set[str]]:
        """Return what the router has, without the modem's entries: it is a host, too, if it was heard."""
        found = routes(self.home.router), proxies(self.home.router)
        host_routes, entries = ({line for line in lines if not line.startswith(f"{MODEM} ")} for lines in found)
        return host_routes, entries

    def machine(self, dev: str) -> Host:
        """Return what is at the other end of the router's *dev*."""
        return self.home.lan if dev == "lan0" else self.home.lan2

    def say(self, address: str) -> None:
        """Have the host at *address* ask for the router."""
        dev = self.living[address]
        with suppress(OSError):  # its cable is pulled
            claim(self.machine(dev), address, lladdr=MACS[dev])

    # Links

    def take(self, dev: str, how: str) -> None:
        """Have *dev* go; the kernel drops what is on one that is not up."""
        router = self.home.router
        match how:
            case "down":
                router.ip(f"link set {dev} down")
            case "unplugged":
                self.machine(dev).ip("link set eth0 down")
            case "renamed while up":
                router.ip(f"link set {dev} name old0")
            case "renamed":
                router.lay(f"link set {dev} down", f"link set {dev} name old0", "link set old0 up")
            case "gone":
                router.ip(f"link del {dev}")
        self.away[dev] = how
        if how in ("down", "renamed", "gone"):
            self.routes = {address: to for address, to in self.routes.items() if to != dev}
            self.proxies = {(address, on) for address, on in self.proxies if on != dev}

    def fix(self, dev: str) -> None:
        """Have *dev* back, with its addresses, and its hosts with theirs."""
        router = self.home.router
        how = self.away.pop(dev)
        if how == "renamed":
            router.lay("link set old0 down", f"link set old0 name {dev}")
        elif how == "renamed while up":
            router.ip(f"link set old0 name {dev}")
        elif how == "gone":
            peer = f"name eth0 netns {self.machine(dev).name} address {MACS[dev]}"
            router.ip(f"link add {dev} address {MACS[dev][:-1]}a type veth peer {peer}")
            router.ip(f"link set {dev} addrgenmode none")
        if how in ("gone", "unplugged"):
            addresses = [address for address, to in self.living.items() if to == dev]
            self.machine(dev).lay(
                "link set eth0 up", *(f"address replace {address}/64 dev eth0 nodad" for address in addresses)
            )
        if dev == "wan0":
            home_again = f"address replace {ROUTER}/64 dev wan0 nodad", f"route replace default via {MODEM} dev wan0"
            router.lay("link set wan0 up", *home_again)
        else:
            router.lay(f"link set {dev} up", _FE80.format(dev=dev))
            hasten(router, dev)


def children(daemon: Daemon, word: str) -> list[int]:
    """Return the pids of the daemon's children that have *word* among their arguments."""
    pid = daemon.process.pid
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        with suppress(FileNotFoundError, ProcessLookupError):
            if word.encode() in Path("/proc", child, "cmdline").read_bytes().split(b"\0"):
                found.append(int(child))
    return found
