"""The checks at start wait for what the first router advertisement brings."""

from __future__ import annotations

import asyncio

import pytest

from ndpbr_py.config import LogConfig, RunConfig
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.daemon.health import Health
from ndpbr_py.iproute2.program import Program
from ndpbr_py.logs.logger import Log
from tests.advertise import advertise
from tests.conftest import Start
from tests.home import LAN, MODEM, ROUTER, Home
from tests.lab import until
from tests.program import Daemon

PREFIX = "2001:db8:64::/64"


def failed(running: Daemon) -> set[object]:
    return {record["check"] for record in running.log() if record["event"] == "check-failed"}


@pytest.fixture
def booting(home: Home, daemon: Start) -> Daemon:
    """Return a daemon that started before its router has an address and a route, and has logged another warning."""
    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 2)
    home.router.lay(f"address del {ROUTER}/64 dev wan0", f"route del default via {MODEM}")
    home.router.ip(f"-6 neigh add proxy {LAN} dev wan0")
    running = daemon(home.router, "wan0", "lan0")
    running.wait_for("check-warned", check="foreign-entries")
    return running


def test_router_advertisement_after_the_start(home: Home, booting: Daemon) -> None:
    """A router whose address and default route come by router advertisement after the start logs no failure."""
    advertise(home.modem, "lan0", prefix=PREFIX)
    until(lambda: "proto ra" in home.router.ip("-6 route show default"), what="the default route")
    until(lambda: "2001:db8:64:" in home.router.ip("-6 address show dev wan0"), what="the address")
    assert booting.stop() == 0

    assert failed(booting) == set()


@pytest.mark.parametrize(("prefix", "lifetime_s", "missing"), [(PREFIX, 0, "default-route"), (None, 1800, "prefix")])
def test_router_advertisement_that_brings_one_of_two(
    home: Home, booting: Daemon, prefix: str | None, lifetime_s: int, missing: str
) -> None:
    """The first router advertisement ends the wait: what it did not bring is logged."""
    assert failed(booting) == set()
    advertise(home.modem, "lan0", prefix=prefix, lifetime_s=lifetime_s)
    booting.wait_for("check-failed", check=missing)

    assert failed(booting) == {missing}
    record = booting.logged("check-failed")[0]
    assert record["detail"].endswith("; wan0 waits for a router advertisement: is the modem on?")
    assert "GATEWAY" not in str(record["fix"])
    assert "ADDRESS" not in str(record["fix"])


def test_no_router_advertisement(capfd: pytest.CaptureFixture[str]) -> None:
    """When the time for it is over, both checks are logged."""
    about = RunConfig(("lo",)), ("lo",), Program("ip", (6, 1), ""), NdProxy(Rules(("lo",)))
    accepting = Health(*about, Log(LogConfig("logfmt")), timeout_s=0)
    asyncio.run(accepting.run())
    records = capfd.readouterr().err

    assert "check=default-route" in records
    assert "check=prefix" in records
