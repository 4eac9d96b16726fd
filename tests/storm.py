"""A home with random faults -> the entries that its router's kernel must have in the end, by a small model.

The model holds the link of each host, the interfaces that are not usable, and the entries of another program.  The
faults are in faults.py.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Container
from contextlib import suppress
from ipaddress import IPv6Address
from pathlib import Path
from random import Random

from tests.attacker import Attacker
from tests.claim import claim
from tests.home import LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import Host
from tests.observed import entries, routes, settings, shorten_neighbor_timers
from tests.program import Daemon
from tests.siege import Siege

DEVS = ("wan0", "lan0", "lan1")
POOL = (LAN, LAN2, *(f"2001:db8:64::{number:x}" for number in range(0x100, 0x10C)))
MACS = {"lan0": "02:00:00:00:03:0b", "lan1": "02:00:00:00:04:0b"}
ATTACKER = "02:00:00:00:66:66"
_FE80 = "address replace fe80::1/64 dev {dev} nodad"


class Storm:
    """The home, its daemon, and the model.

    Attributes:
        living: Address -> the router's interface to its host.
        folder: Where the daemon's ip(8) and the flag of stops_before_exec.py are.
        ip: The daemon's ip(8), a symbolic link.
        before: The settings before the first start.
        routes: Address -> interface of another program's host route.
        proxies: Address and interface of another program's proxy entries.
        away: Interface -> its fault: down, unplugged, renamed, renamed while up, or gone.
        siege: The attackers that stay.
        done: Fault -> how often it was done.
    """

    def __init__(self, home: Home, folder: Path, start: Callable[[bool], Daemon], random: Random) -> None:
        self.home = home
        self.start = start
        self.folder = folder
        self.ip = folder / "bin" / "ip"
        self.before = settings(home.router, *DEVS)
        self.random = random
        self.living = {LAN: "lan0", LAN2: "lan1"}
        self.routes: dict[str, str] = {}
        self.proxies: set[tuple[str, str]] = set()
        self.away: dict[str, str] = {}
        self.siege = Siege(self.attacker, self.living, MACS, random)
        self.done: Counter[str] = Counter()
        self.start_daemon()

    def start_daemon(self) -> None:
        """Start a daemon."""
        self.daemon = self.start(True)
        self.monitor_kills = 0

    def renamed_settings_are_restored(self) -> bool:
        """Whether an interface with another name has the settings that it had at first."""
        dev = next((dev for dev, how in self.away.items() if "renamed" in how), None)
        if dev is None:
            return True
        now = settings(self.home.router, "old0")
        return {path.replace("/old0/", f"/{dev}/"): value for path, value in now.items()}.items() <= self.before.items()

    def attacker(self, dev: str, lladdr: str, answers: Container[IPv6Address]) -> Attacker:
        """Return an attacker on the router's link *dev*."""
        if dev == "wan0":
            return Attacker(self.home.modem, "lan0", lladdr=lladdr, gateway=ROUTER, answers=answers)
        return Attacker(self.machine(dev), lladdr=lladdr, answers=answers)

    def is_right(self) -> bool:
        """Whether the router has no entries but expected ones; hosts that have not sent a packet yet may have none."""
        return all(actual <= expected for actual, expected in zip(self.actual(), self.expected(), strict=True))

    def repair(self) -> None:
        """Repair every link, end the siege, and request a resync."""
        self.repair_links()
        self.end_siege()
        self.daemon.process.send_signal(signal.SIGHUP)

    def repair_links(self) -> None:
        """Make every link usable."""
        for dev in tuple(self.away):
            self.bring_back(dev)

    def begin_siege(self) -> None:
        """Put an attacker on each link."""
        self.siege.begin(*(dev for dev in DEVS if self.away.get(dev) != "gone"))

    def end_siege(self) -> None:
        """Take the attackers away."""
        self.siege.end(*DEVS)

    def own_routes(self) -> set[str]:
        """Return our route to each host; another program's route to it is in its place."""
        return {f"{address} dev {dev} proto 135" for address, dev in self.living.items() if address not in self.routes}

    def owners_are_served(self) -> bool:
        """Whether each host has its route, after it has sent a packet."""
        for address in self.living:
            self.send_packet(address)
        return self.own_routes() <= routes(self.home.router)

    def has_converged(self) -> bool:
        """Whether the router has the expected entries, after each host has sent a packet."""
        for address in self.living:
            self.send_packet(address)
        return self.actual() == self.expected()

    def expected(self) -> tuple[set[str], set[str]]:
        """Return the host routes and proxy entries that the router must have, ours and the other program's."""
        host_routes, proxied = self.foreign()
        # Another program's host route says where a host is, whether it is there or not.
        for address, dev in (self.living | self.routes).items():
            if address not in self.routes:
                host_routes.add(f"{address} dev {dev} proto 135")
            others = [other for other in DEVS if other != dev and (address, other) not in self.proxies]
            proxied |= {f"{address} dev {other} proto 135" for other in others}
        return host_routes, proxied

    def foreign(self) -> tuple[set[str], set[str]]:
        """Return the other program's host routes and proxy entries."""
        host_routes = {f"{address} dev {dev} proto static" for address, dev in self.routes.items()}
        return host_routes, {f"{address} dev {dev} proto 199" for address, dev in self.proxies}

    def actual(self) -> tuple[set[str], set[str]]:
        """Return the router's entries without the modem's: the modem is a host, too, once it has sent a packet."""
        found = entries(self.home.router)
        host_routes, proxied = ({line for line in lines if not line.startswith(f"{MODEM} ")} for lines in found)
        return host_routes, proxied

    def machine(self, dev: str) -> Host:
        """Return the machine at the other end of the router's *dev*."""
        return self.home.lan if dev == "lan0" else self.home.lan2

    def send_packet(self, address: str) -> None:
        """Have the host at *address* solicit the router."""
        dev = self.living[address]
        with suppress(OSError):  # its link has no carrier
            claim(self.machine(dev), address, lladdr=MACS[dev])

    # Links

    def take_away(self, dev: str, how: str) -> None:
        """Make *dev* unusable; the kernel drops the entries on an interface that is not up."""
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

    def bring_back(self, dev: str) -> None:
        """Make *dev* usable again, with its addresses, and its hosts with foreign."""
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
            # Before the first packet: an entry that is REACHABLE already stays so for up to 45 s.
            shorten_neighbor_timers(router, dev)
        if how in ("gone", "unplugged"):
            addresses = [address for address, to in self.living.items() if to == dev]
            self.machine(dev).lay(
                "link set eth0 up", *(f"address replace {address}/64 dev eth0 nodad" for address in addresses)
            )
        if how == "gone" and self.siege:
            self.siege.begin(dev)
        if dev == "wan0":
            home_again = f"address replace {ROUTER}/64 dev wan0 nodad", f"route replace default via {MODEM} dev wan0"
            router.lay("link set wan0 up", *home_again)
        else:
            router.lay(f"link set {dev} up", _FE80.format(dev=dev))
