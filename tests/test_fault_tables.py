"""Other programs change the kernel's tables: flushed entries are restored, foreign entries are not touched."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.home import LAN, Home
from tests.lab import until
from tests.observed import proxies, routes
from tests.program import Daemon

DEVS = ("wan0", "lan0")
OFTEN = ("--resync-interval", "1")
PROXY = f"{LAN} dev wan0 proto 135"
ROUTE = f"{LAN} dev lan0 proto 135"


def test_flushed_entries_are_restored(home: Home, daemon: Start) -> None:
    """Flushed entries, of which the kernel sends no event, are restored at the next resync."""
    running = _learned(home, daemon, *OFTEN)
    home.router.ip("-6 neigh flush proxy")
    until(lambda: PROXY in proxies(home.router), what="the proxy entry is back")
    home.router.ip("-6 route flush proto 135")
    until(lambda: ROUTE in routes(home.router), what="the route is back")

    assert running.wait_for("host-repaired", address=LAN)["level"] == "warning"


def test_foreign_proxy_entry_is_not_touched(home: Home, daemon: Start) -> None:
    """Another program's proxy entry is neither re-tagged nor removed; one warning is logged."""
    home.router.ip(f"-6 neigh add proxy {LAN} dev wan0 proto 98")
    running = _learned(home, daemon, *OFTEN)
    foreign = running.wait_for("foreign-entry", address=LAN)
    until(lambda: running.stop() == 0, what="it has stopped")

    assert (foreign["foreign"], foreign["level"]) == ("proxy dev wan0", "warning")
    assert proxies(home.router) == {f"{LAN} dev wan0 proto 98"}
    assert routes(home.router) == set()


def test_foreign_route_to_the_right_link_is_used(home: Home, daemon: Start) -> None:
    """If another program's host route leads to the host's link, only proxy entries are added."""
    home.router.ip(f"-6 route add {LAN}/128 dev lan0 proto static")
    daemon(home.router, *DEVS)
    until(lambda: PROXY in proxies(home.router), what="the host is answered for")

    assert routes(home.router) == {f"{LAN} dev lan0 proto static"}


def test_foreign_route_to_another_link_wins(home: Home, daemon: Start) -> None:
    """If another program's host route leads to another link, the address is proxied for that link, with a warning."""
    home.router.ip(f"-6 route add {LAN}/128 dev wan0 proto static")
    running = daemon(home.router, *OFTEN, *DEVS)
    claim(home.lan, LAN)
    ignored = running.wait_for("address-ignored", address=LAN, reason="routed-elsewhere")

    assert (ignored["level"], ignored["dev"]) == ("warning", "lan0")
    assert routes(home.router) == {f"{LAN} dev wan0 proto static"}
    assert f"{LAN} dev lan0 proto 135" in proxies(home.router)
    assert running.stop() == 0
    assert proxies(home.router) == set()
    assert routes(home.router) == {f"{LAN} dev wan0 proto static"}


def test_blackhole_for_a_host_is_respected(home: Home, daemon: Start) -> None:
    """An address with a blackhole route is not learned on any link."""
    home.router.ip(f"-6 route add blackhole {LAN}/128 proto static")
    running = daemon(home.router, *OFTEN, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("address-ignored", address=LAN, reason="routed-elsewhere")

    assert proxies(home.router) == set()


def test_foreign_route_that_replaces_ours_is_not_touched(home: Home, daemon: Start) -> None:
    """A route that another program puts in place of ours stays, during the run and after it."""
    running = _learned(home, daemon, *OFTEN)
    home.router.lay(f"route del {LAN}/128 dev lan0", f"route add {LAN}/128 dev lan0 proto static")
    running.wait_for("host-retained", address=LAN, reason="routed")

    assert running.stop() == 0
    assert routes(home.router) == {f"{LAN} dev lan0 proto static"}


@pytest.mark.parametrize("dev", DEVS)
def test_another_program_adds_a_route_to_a_known_host(home: Home, daemon: Start, dev: str) -> None:
    """As wg-quick does, which gives up if the route exists: its route is added, decides, and replaces ours."""
    running = _learned(home, daemon, "--resync-interval", "3600")
    until(lambda: ROUTE in routes(home.router), what="ours is there")
    home.router.ip(f"-6 route add {LAN}/128 dev {dev} proto static")
    chosen = home.router.ip(f"-6 route get {LAN}")
    foreign = {f"{LAN} dev {dev} proto static"}
    until(lambda: routes(home.router) == foreign, what="ours is removed")
    (other,) = set(DEVS) - {dev}
    until(lambda: proxies(home.router) == {f"{LAN} dev {other} proto 135"}, what="it is proxied for the right link")

    assert f" dev {dev} " in chosen
    assert running.stop() == 0
    assert routes(home.router) == foreign


def _learned(home: Home, daemon: Start, *options: str) -> Daemon:
    running = daemon(home.router, *options, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    return running
