"""`ndpbr run --dry-run` logs what it would do, and changes nothing."""

from __future__ import annotations

import signal

import pytest

from tests.claim import claim
from tests.conftest import Start
from tests.echo import ask
from tests.home import INET, LAN, MODEM, Home
from tests.lab import TIMEOUT_S, Host
from tests.observed import clean, settings

DEVS = ("wan0", "lan0", "lan1")
LEARNING = [
    f"ip -6 route add {LAN}/128 dev lan0 proto 135 metric 4096",
    f"ip -6 neigh add proxy {LAN} dev wan0 proto 135",
    f"ip -6 neigh add proxy {LAN} dev lan1 proto 135",
]


@pytest.mark.parametrize("known", [False, True])
def test_dry_run_logs_its_commands(home: Home, daemon: Start, known: bool) -> None:
    """A host, known at startup or seen later, is learned only in the log; the kernel is not changed."""
    before = settings(home.router, *DEVS)
    if known:
        claim(home.lan, LAN)
    running = daemon(home.router, "--dry-run", *DEVS)
    if not known:
        claim(home.lan, LAN)
    for command in LEARNING:
        running.wait_for("would-run", command=command, level="info")

    assert clean(home.router)
    assert settings(home.router, *DEVS) == before
    assert not running.pidfile.exists()
    assert not running.state.exists()
    assert running.stop() == 0
    assert "command" not in {record["event"] for record in running.log()}


def test_dry_run_logs_the_advertisement_that_it_would_send(home: Home, daemon: Start) -> None:
    """The modem solicits a host that is not known yet: its answer comes after the commands of the host."""
    running = daemon(home.router, "--dry-run", *DEVS)
    running.wait_for("listening", dev="wan0")
    ask(home.inet, LAN, timeout=0.1)
    running.wait_for("lookup-started", address=LAN, dev="wan0")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)
    command = f"advertise {LAN} dev wan0 to {_link_local(home.modem, 'lan0')}"
    running.wait_for("would-run", command=command)
    commands = [record["command"] for record in running.logged("would-run")]

    assert commands.index(LEARNING[1]) < commands.index(command)
    assert not home.modem.ip(f"neigh show {LAN} nud reachable nud stale")


def test_dry_run_beside_a_running_daemon(home: Home, daemon: Start) -> None:
    """A dry run takes no pid file and no lock, so it can run beside a daemon."""
    running = daemon(home.router, *DEVS)
    dry = daemon(home.router, "--dry-run", *DEVS)
    claim(home.lan, LAN)
    ask(home.lan, INET, timeout=0.1)
    for each in (running, dry):
        each.wait_for("host-learned", address=LAN)
        each.wait_for("host-learned", address=MODEM)
    dry.process.send_signal(signal.SIGINT)

    assert dry.process.wait(TIMEOUT_S) == 0
    assert not clean(home.router)
    assert running.pidfile.exists()
    assert running.stop() == 0
    assert clean(home.router)


def _link_local(host: Host, dev: str) -> str:
    return host.ip(f"-6 -o address show dev {dev} scope link").split()[3].partition("/")[0]
