"""--static: a host that is proxied from the start to the end, whatever the neighbor table says."""

from __future__ import annotations

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import LAN, LAN2, Home
from tests.lab import Host, until
from tests.observed import clean, hasten, neighbor, proxies, routes
from tests.program import Daemon

DEVS = ("wan0", "lan0", "lan1")


def test_static_host_is_reached_without_having_spoken(home: Home, daemon: Start) -> None:
    """A server that says nothing by itself is reached from outside at once, and nothing of it is left at the end."""
    echo(home.lan)
    running = _running(home, daemon)

    assert _installed(home.router)
    assert until(lambda: ask(home.inet, LAN, timeout=0.5)) is not None
    assert running.stop() == 0
    assert clean(home.router)


def test_static_host_that_is_switched_off_stays(home: Home, daemon: Start) -> None:
    """Neither FAILED nor time takes it away: when it is there again it is reached."""
    hasten(home.router, "lan0")
    home.lan.ip("link set eth0 down")
    running = _running(home, daemon, "--expire-interval", "1", "--resync-interval", "1")
    for _ in range(2):
        home.router.ip(f"-6 neigh replace {LAN} dev lan0 nud none use")
        until(lambda: "FAILED" in neighbor(home.router, LAN, "lan0"), what="the kernel gave the host up")
        home.router.ip(f"-6 neigh del {LAN} dev lan0")
    # A host on the other LAN is learned after all that was heard of this one.
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)

    assert _installed(home.router)
    assert not {"host-forgotten", "host-probed"} & _events(running)
    echo(home.lan)
    home.lan.lay(
        "link set eth0 up", f"address replace {LAN}/64 dev eth0 nodad", "route replace default via fe80::1 dev eth0"
    )
    assert until(lambda: ask(home.inet, LAN, timeout=0.5), timeout=10.0) is not None


def test_static_host_has_its_entries_back(home: Home, daemon: Start) -> None:
    """Entries that somebody flushed, or that went with the interface, are put back."""
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
    """Who claims it elsewhere, with its own lladdr or in the host's whole guise, does not get it."""
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
        (("lan0",), "--static: expected a global address and its interface, ADDR%IFACE, got 'lan0'"),
        ((f"{LAN}%lan0", f"{LAN}%wan0"), f"--static: expected one interface for {LAN}, got 'lan0' and 'wan0'"),
    ],
)
def test_static_that_makes_no_sense_is_refused(home: Home, ndpbr: Run, words: tuple[str, ...], sentence: str) -> None:
    """One sentence, exit status 2, nothing changed."""
    options = [option for word in words for option in ("--static", word)]
    ended = ndpbr(home.router, "run", *options, "wan0", "lan0")

    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (2, "", 1)
    assert ended.stderr.startswith(f"ndpbr: {sentence}")
    assert clean(home.router)


def _running(home: Home, daemon: Start, *options: str) -> Daemon:
    """Return a daemon for which the LAN host is a static one."""
    return daemon(home.router, "--static", f"{LAN}%lan0", *options, *DEVS)


def _installed(router: Host) -> bool:
    entries = {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan1 proto 135"}
    return f"{LAN} dev lan0 proto 135" in routes(router) and entries <= proxies(router)


def _events(running: Daemon) -> set[str]:
    return {record["event"] for record in running.log() if record.get("address") == LAN}
