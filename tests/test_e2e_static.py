"""--static: a host that is proxied from start to stop, whatever the neighbor table says."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, Home
from tests.lab import Host, until
from tests.observed import clean, neighbor, proxies, routes, shorten_neighbor_timers
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")


def test_silent_static_host_is_reachable(home: Home, daemon: Start) -> None:
    """A silent static host is reachable from outside immediately; its entries are removed at stop."""
    echo(home.lan)
    running = _running(home, daemon)

    assert _installed(home.router)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert running.stop() == 0
    assert clean(home.router)


def test_absent_static_host_is_retained(home: Home, daemon: Start) -> None:
    """Neither FAILED nor expiry removes a static host: when it is back, it is reachable."""
    shorten_neighbor_timers(home.router, "lan0")
    home.lan.ip("link set eth0 down")
    running = _running(home, daemon, "--expire-interval", "1", "--resync-interval", "1")
    for _ in range(2):
        home.router.ip(f"-6 neigh replace {LAN} dev lan0 nud none use")
        until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), what="the kernel gave the host up")
        home.router.ip(f"-6 neigh del {LAN} dev lan0")
    # A host on the other LAN is learned after all events about this one.
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)

    assert _installed(home.router)
    assert not {"host-forgotten", "host-probed"} & _events(running)
    echo(home.lan)
    home.lan.lay(
        "link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad", "route replace default via fe80::1 dev eth0"
    )
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None


def test_entries_of_a_static_host_are_restored(home: Home, daemon: Start) -> None:
    """Entries that were flushed, or dropped with the interface, are restored."""
    running = _running(home, daemon, "--resync-interval", "1")
    home.router.ip("-6 neigh flush proxy proto 135")
    home.router.ip("-6 route flush proto 135")
    running.wait_for("host-repaired", address=LAN)
    until(lambda: _installed(home.router), what="what was flushed is back")
    home.router.ip("link set lan0 down")
    running.wait_for("host-suspended", address=LAN)
    home.router.ip("link set lan0 up")
    home.router.ip("address replace fe80::1/64 dev lan0 nodad")

    until(lambda: _installed(home.router), what="what went with the interface is back")
    assert running.stop() == 0
    assert clean(home.router)


@pytest.mark.parametrize("own_lladdr", [True, False])
def test_static_address_claimed_on_another_link_stays(home: Home, daemon: Start, own_lladdr: bool) -> None:
    """A claim on another link, with its own or with the host's lladdr, does not move a static host."""
    echo(home.lan)
    running = _running(home, daemon)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    claim(home.lan2, LAN, lladdr=None if own_lladdr else home.lan.mac("eth0"))
    ignored = running.wait_for("address-ignored", address=LAN)

    assert (ignored["level"], ignored["dev"], ignored["reason"]) == ("warning", "lan1", "static")
    assert _installed(home.router)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ((f"{LAN}%lan1",), f"--static: expected a listed interface (wan0, lan0) for {LAN}, got "),
        (
            ("lan0",),
            "--static: expected a global address or prefix and its interface, ",
        ),
        ((f"{LAN}%lan0", f"{LAN}%wan0"), f"--static: expected one interface for {LAN}, got 'lan0' and 'wan0'"),
    ],
)
def test_invalid_static_host_is_refused(home: Home, ndpbr: Run, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, exit status 2, nothing changed."""
    options = [option for word in words for option in ("--static", word)]
    ended = ndpbr(home.router, "run", *options, "wan0", "lan0")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ndpbr: {sentence}")
    assert clean(home.router)


def _running(home: Home, daemon: Start, *options: str) -> Daemon:
    """Return a daemon for which the LAN host is static."""
    return daemon(home.router, "--static", f"{LAN}%lan0", *options, *DEVS)


def _installed(router: Host) -> bool:
    entries = {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan1 proto 135"}
    return f"{LAN} dev lan0 proto 135" in routes(router) and entries <= proxies(router)


def _events(running: Daemon) -> set[str]:
    return {record["event"] for record in running.log() if record.get("address") == LAN}
