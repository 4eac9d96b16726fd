"""An interface without neighbor discovery (a tunnel, or NOARP) gets routes and nothing else."""

from __future__ import annotations

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import proxies, routes, settings


def test_tunnel_gets_no_proxy_entry_and_no_settings(home: Home, daemon: Start) -> None:
    """A LAN host gets its route, and proxy entries on the other links only; that is logged once."""
    home.router.lay("tuntap add mode tun dev tun0", "link set tun0 up")
    before = settings(home.router, "tun0")
    running = daemon(home.router, "--prefix", "2001:db8:64::/64", "--resync-interval", "1", "tun0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    running.wait_for("interface-without-nd", dev="tun0", level="info")

    assert routes(home.router) == {f"{LAN} dev lan0 proto 135"}
    assert proxies(home.router) == {f"{LAN} dev lan1 proto 135"}
    # "all" is for every interface.
    borrowed = {path: value for path, value in settings(home.router, "tun0").items() if "all" not in path}
    assert borrowed.items() <= before.items()
    assert "tun0" not in {r.get("dev") for r in running.log() if r["event"] == "listening"}
    assert [r["dev"] for r in running.logged("interface-without-nd")] == ["tun0"]


def test_no_host_is_learned_on_a_link_without_neighbor_discovery(home: Home, daemon: Start) -> None:
    """Neighbor entries of such a link are ignored, at startup and later."""
    home.router.lay(
        "link set wan0 arp off",
        "neigh replace 2001:db8:64::77 lladdr 02:00:00:00:00:77 dev wan0 nud permanent",
    )
    running = daemon(home.router, "wan0", "lan0")
    home.router.ip("-6 neigh replace 2001:db8:64::78 lladdr 02:00:00:00:00:78 dev wan0 nud noarp")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert routes(home.router) == {f"{LAN} dev lan0 proto 135"}
    assert proxies(home.router) == set()


def test_link_that_gets_neighbor_discovery_gets_its_entries(home: Home, daemon: Start) -> None:
    """When neighbor discovery is turned off an interface loses its proxy entries; turned on, it gets them back."""
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    both = proxies(home.router)
    home.router.ip("link set wan0 arp off")
    until(lambda: proxies(home.router) == {f"{LAN} dev lan1 proto 135"})
    home.router.ip("link set wan0 arp on")

    assert until(lambda: proxies(home.router) == both)
