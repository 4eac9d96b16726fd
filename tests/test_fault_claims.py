"""Hosts that move, and hosts that claim addresses of other hosts."""

from __future__ import annotations

from bench.site import sender
from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, MODEM, ROUTER, Home
from tests.lab import until
from tests.observed import proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")
ATTACKER = "02:00:00:00:66:66"


def test_claimed_address_stays_with_an_owner_that_answers(home: Home, daemon: Start) -> None:
    """After a claim by another lladdr the kernel probes the owner; it answers, and there is one warning."""
    running = _learned(home, daemon)
    for _ in range(3):
        claim(home.lan2, LAN, lladdr=ATTACKER)
    conflict = running.wait_for("address-conflict", address=LAN)

    assert (conflict["level"], conflict["lladdr"]) == ("warning", home.lan.mac("eth0"))
    assert (conflict["claimed_by"], conflict["claimed_on"]) == (ATTACKER, "lan1")
    assert f"{LAN} dev lan0 proto 135" in routes(home.router)
    assert not running.logged("host-moved")
    assert len(running.logged("address-conflict")) == 1


def test_claimed_address_moves_when_its_owner_is_silent(home: Home, daemon: Start) -> None:
    """The address moves after the kernel has probed the owner three times without an answer."""
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    home.lan2.ip(f"address add {LAN}/64 dev eth0 nodad")
    claim(home.lan2, LAN)
    moved = running.wait_for("host-moved", address=LAN)

    assert (moved["dev"], moved["from_dev"]) == ("lan1", "lan0")
    until(lambda: f"{LAN} dev lan1 proto 135" in routes(home.router), what="the route has moved")


def test_roaming_host_is_served_on_its_new_link(home: Home, daemon: Start) -> None:
    """A host that appears on another LAN with the same lladdr is reachable there immediately."""
    echo(home.inet, delay=0.02)
    running = _learned(home, daemon)
    home.lan.ip("link set eth0 down")
    home.lan2.lay(
        "link set eth0 down",
        f"link set eth0 address {home.lan.mac('eth0')}",
        "link set eth0 up",
        f"address add {LAN}/64 dev eth0 nodad",
        "route replace default via fe80::1 dev eth0",
    )
    claim(home.lan2, LAN)
    running.wait_for("host-moved", address=LAN)
    # The modem has the router in its cache: an answer that comes before the route has moved goes to the old LAN.
    until(lambda: f"{LAN} dev lan1 proto 135" in routes(home.router), what="the route has moved")

    assert ask(home.lan2, INET, timeout=10.0, source=LAN) is not None
    until(lambda: f"{LAN} dev lan1 proto 135" not in proxies(home.router), what="its old proxy entry is removed")


def test_lladdr_on_another_lan_has_its_addresses_verified(home: Home, daemon: Start) -> None:
    """When a known lladdr appears on another link, even link-local only, its addresses are probed."""
    shorten_neighbor_timers(home.router, "lan0")
    running = _learned(home, daemon)
    home.lan.ip(f"address del {LAN}/64 dev eth0")
    claim(home.lan2, "fe80::66", lladdr=home.lan.mac("eth0"))
    probed = running.wait_for("host-probed", address=LAN, reason="lladdr-elsewhere")
    running.wait_for("host-forgotten", address=LAN)

    assert probed["seen_on"] == "lan1"


def test_ineligible_addresses_are_never_learned(home: Home, daemon: Start) -> None:
    """Off-link addresses, the router's and the next hop's are refused, with the reason."""
    running = daemon(home.router, *DEVS)
    for address, reason in (
        ("2606:4700:4700::1111", "not-on-link"),
        ("2001:db8:64::", "subnet-router-anycast"),
        (MODEM, "next-hop-of-default-route"),
    ):
        claim(home.lan, address)
        assert running.wait_for("address-ignored", address=address)["reason"] == reason
    claim(home.lan, ROUTER)  # the kernel ignores packets from its own address

    assert not [line for line in routes(home.router) if "lan0" in line]


def test_addresses_of_one_lladdr_are_limited(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A host that claims many addresses is limited by --max-hosts-per-lladdr; each address has its record."""
    running = daemon(home.router, "--max-hosts-per-lladdr", "3", *DEVS)
    home.lan.lay(*(f"address add 2001:db8:64::bad:{number}/64 dev eth0 nodad" for number in range(1, 6)))
    for number in range(1, 6):
        claim(home.lan, f"2001:db8:64::bad:{number}")
    for number in (4, 5):
        ignored = running.wait_for("address-ignored", address=f"2001:db8:64::bad:{number}")
        assert (ignored["reason"], ignored["level"]) == ("max-hosts-per-lladdr", "warning")
    doctor = ndpbr(home.router, "doctor", "--state-dir", str(running.state), *DEVS)

    assert f"warn limits: {home.lan.mac('eth0')} on lan0 has 3 addresses" in doctor.stdout
    assert len([line for line in routes(home.router) if "::bad:" in line]) == 3


def test_live_addresses_behind_a_repeater_are_not_exchanged(home: Home, daemon: Start) -> None:
    """Of 80 addresses of one lladdr 64 stay proxied; each of the others has its record and takes no place."""
    running = daemon(home.router, *DEVS)
    many = [f"2001:db8:64::80:{number:x}" for number in range(1, 81)]
    home.lan.lay(*(f"address add {address}/64 dev eth0 nodad" for address in many))
    for _ in range(2):
        for address in many:
            claim(home.lan, address)

    def ignored() -> set[str]:
        return {it["address"] for it in running.log() if it["event"] == "address-ignored" and it["level"] == "warning"}

    until(lambda: len(ignored()) == 16, what="each address without a place has its record")
    until(lambda: len([line for line in routes(home.router) if "::80:" in line]) == 64, what="64 have a route")
    events = [record["event"] for record in running.log() if "::80:" in record.get("address", "")]
    assert (events.count("host-learned"), events.count("host-forgotten")) == (64, 0)


def test_unverified_host_is_evicted_for_one_that_answers(home: Home, daemon: Start) -> None:
    """When the table is full, an unverified host is evicted for one that answers."""
    running = daemon(home.router, "--max-hosts", "3", *DEVS)
    for number in range(1, 5):
        claim(home.lan, f"2001:db8:64::bad:{number}", lladdr=f"02:00:00:00:66:{number:02x}")
    running.wait_for("address-ignored", reason="max-hosts")
    home.router.ip(f"-6 neigh replace {LAN2} lladdr {home.lan2.mac('eth0')} dev lan1 nud reachable")
    running.wait_for("host-learned", address=LAN2)

    assert until(lambda: f"{LAN2} dev lan1 proto 135" in routes(home.router))


def test_flood_of_claims_takes_nothing_from_another_lan(home: Home, daemon: Start) -> None:
    """A machine claims 10,000 addresses a second: known hosts are served, new ones learned, the table has its limit."""
    new = "2001:db8:64::23"
    home.lan2.ip(f"address add {new}/64 dev eth0 nodad")
    echo(home.inet)
    running = daemon(home.router, "--max-hosts", "64", *DEVS)
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)
    flood = sender(home.lan, "claims", 10_000, 600)
    running.wait_for("address-ignored", dev="lan0", reason="max-hosts")

    def learned() -> bool:
        claim(home.lan2, new)
        return f"{new} dev lan1 proto 135" in routes(home.router)

    until(learned, what="a new host on the other LAN is learned")
    assert until(lambda: ask(home.lan2, INET, source=LAN2), what="the known host is served") is not None
    assert flood.poll() is None
    assert len(routes(home.router)) <= 64
    assert not running.logged("host-forgotten", address=LAN2)


def _learned(home: Home, daemon: Start) -> Daemon:
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running
