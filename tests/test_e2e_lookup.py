"""`ndpbr lookup` on the real kernel: the daemon's own lookup, and its result."""

from __future__ import annotations

import asyncio
import re
from argparse import Namespace
from pathlib import Path

import pytest

from ndpbr_py.commands.lookup import main
from ndpbr_py.control.client import ask
from ndpbr_py.control.server import Control
from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import INET, LAN, Home
from tests.lab import until

ABSENT = "2001:db8:64::dead"  # no host has it
DEVS = ("wan0", "lan0", "lan1")


def test_host_that_has_sent_nothing(home: Home, ndpbr: Run, daemon: Start) -> None:
    """A host that ndpbr does not know answers, and is learned."""
    running = daemon(home.router, *DEVS)
    ended = ndpbr(home.router, "lookup", f"{LAN}%lan0", "--state-dir", str(running.state))
    again = ndpbr(home.router, "lookup", LAN, "--state-dir", str(running.state))

    for it in (ended, again):
        assert (it.returncode, it.stderr) == (0, "")
        assert re.fullmatch(rf"yes: {home.lan.mac('eth0')} answered on lan0 after \d+ ms\n", it.stdout)
    assert running.wait_for("lookup-started", address=LAN)["reason"] == "requested"
    assert running.wait_for("host-learned", address=LAN)["dev"] == "lan0"


def test_host_by_its_name_and_by_its_lladdr(home: Home, ndpbr: Run, daemon: Start, tmp_path: Path) -> None:
    """Each address of the host is looked up; a name without an address, and an unknown word, are one sentence."""
    phone = home.lan.mac("eth0")
    (tmp_path / "names").write_text(f"{phone} phone\n02:00:00:00:00:99 tablet\n")
    running = daemon(home.router, *DEVS)
    home.lan.ip("address add 2001:db8:64::12/64 dev eth0 nodad")
    for address in (LAN, "2001:db8:64::12"):
        claim(home.lan, address)
        running.wait_for("host-verified", address=address)
    words = ("--state-dir", str(running.state), "--names", str(tmp_path / "names"))
    by_name, by_lladdr, absent, unknown = (
        ndpbr(home.router, "lookup", word, *words) for word in ("phone", phone, "tablet", "toaster")
    )

    for it in (by_name, by_lladdr):
        assert [line.split(" after ")[0] for line in it.stdout.splitlines()] == [
            f"{address}: yes: {phone} answered on lan0" for address in (LAN, "2001:db8:64::12")
        ]
        assert it.returncode == 0
    assert absent.stderr == "ndpbr: tablet has no address in the neighbor table that could be proxied\n"
    assert (absent.returncode, unknown.returncode) == (1, 2)


def test_address_that_no_host_has(home: Home, ndpbr: Run, daemon: Start) -> None:
    """The answer comes when the kernel has given up on every link; a known host that is gone is forgotten first."""
    running = daemon(home.router, *DEVS)
    absent = ndpbr(home.router, "lookup", ABSENT, "--state-dir", str(running.state))
    ndpbr(home.router, "lookup", LAN, "--state-dir", str(running.state))
    running.wait_for("host-learned", address=LAN)
    home.lan.ip("address flush dev eth0 scope global")
    gone = ndpbr(home.router, "lookup", LAN, "--state-dir", str(running.state))

    assert (absent.returncode, gone.returncode) == (1, 1)
    assert re.fullmatch(r"no: no answer on wan0, lan0, lan1 within \d\.\d s\n", absent.stdout)
    assert re.fullmatch(r"no: no answer on lan0, wan0, lan1 within \d\.\d s\n", gone.stdout)
    assert "host-forgotten" in {record["event"] for record in running.log()}


def test_address_that_is_not_looked_up(home: Home, ndpbr: Run, daemon: Start) -> None:
    """An address outside, and a lookup without a daemon, have their reasons."""
    running = daemon(home.router, *DEVS)
    outside = ndpbr(home.router, "lookup", INET, "--state-dir", str(running.state))
    unanswered = ndpbr(home.router, "lookup", LAN, "--state-dir", "/nonexistent")
    assert running.stop() == 0
    without = ndpbr(home.router, "lookup", LAN, "--state-dir", str(running.state))

    assert outside.stdout.startswith("no: not looked up: it is in no prefix that is on-link")
    assert (outside.returncode, unanswered.returncode, without.returncode) == (1, 1, 1)
    assert unanswered.stderr == "ndpbr: the daemon does not answer: asking it requires root and its --state-dir\n"
    assert without.stderr == "ndpbr: ndpbr is not running; start it first: ndpbr run IFACE IFACE...\n"


def test_daemon_obeys_the_limits(home: Home, daemon: Start) -> None:
    """After many lookups in a row the daemon refuses one."""
    running = daemon(home.router, *DEVS)

    def limited() -> bool:
        answer = ask(running.state, request="lookup", address=LAN)
        return answer is not None and bool(answer["lookup"]["limited"])

    until(limited, what="a lookup was refused")


def test_command_waits_for_the_limits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says once that it waits, asks again, and prints the result."""
    result = {
        "lookup_on": ["lan0"],
        "obstacle": None,
        "limited": False,
        "answered_on": "lan0",
        "answered_by": "02:00:00:00:00:33",
    }
    answers = [{**result, "limited": True}] * 2 + [result]

    async def answer(_: object) -> dict[str, object]:
        return {"lookup": answers.pop(0)}

    async def command() -> int:
        control = Control(tmp_path, answer)
        await control.start()
        try:
            return await asyncio.to_thread(main, Namespace(state_dir=tmp_path, address=LAN, names=None))
        finally:
            control.stop()

    assert asyncio.run(command()) == 0
    printed = capsys.readouterr()
    assert printed.err == "waiting: too many lookups just now\n"
    assert printed.out.startswith("yes: 02:00:00:00:00:33 answered on lan0 after ")
