"""Requests to a running daemon on its control socket."""

from __future__ import annotations

import os
import signal
from typing import Any

from ndpbr_py.control.client import ask
from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.lab import TIMEOUT_S, until
from tests.observed import shorten_neighbor_timers
from tests.program import Daemon

ABSENT = "2001:db8:64::dead"  # no host has it
DEVS = ("wan0", "lan0", "lan1")


def answer_of(running: Daemon, **request: object) -> dict[str, Any]:
    """Return the daemon's answer; fail if there is none."""
    answer = ask(running.state, **request)
    assert answer is not None, running.logfile.read_text()
    return answer


def test_state_and_counters(home: Home, daemon: Start) -> None:
    """The answer has the interfaces, the rules and the counters."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    state = answer_of(running, request="state")

    assert state["interfaces"] == list(DEVS)
    assert state["up"] == sorted(DEVS)
    assert state["uptime_s"] > 0
    assert state["rules"]["protocol"] == 135
    counters = state["counters"]
    assert (counters["hosts_learned"], counters["hosts_verified"]) == (1, 1)
    assert (counters["hosts"], counters["hosts_forgotten"]) == (1, 0)
    assert counters["resyncs"] >= 1
    assert counters["start_time_seconds"] > 1_700_000_000


def test_monitor_restart_is_counted(home: Home, daemon: Start) -> None:
    """A monitor that is killed and restarted is counted, and so is the resync that follows."""
    running = daemon(home.router, *DEVS)
    before = answer_of(running, request="state")["counters"]
    os.kill(running.wait_for("monitor-started")["pid"], signal.SIGKILL)
    running.wait_for("monitor-exited")

    assert before["monitor_restarts"] == 0
    until(
        lambda: answer_of(running, request="state")["counters"]["monitor_restarts"] == 1,
        what="the monitor was restarted",
    )
    until(
        lambda: answer_of(running, request="state")["counters"]["resyncs"] > before["resyncs"],
        what="the tables are read",
    )


def test_host_and_decisions_of_an_address(home: Home, daemon: Start) -> None:
    """The answer has the host and the decisions about its address, with the times of the log."""
    shorten_neighbor_timers(home.router, "lan0")
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    alive = answer_of(running, request="address", address=LAN)
    claim(home.lan, ABSENT)
    running.wait_for("host-forgotten", address=ABSENT)
    gone = answer_of(running, request="address", address=ABSENT)
    logged = [r for r in running.log() if r.get("address") == ABSENT]

    assert (
        alive["host"].items()
        >= {
            "dev": "lan0",
            "lladdr": home.lan.mac("eth0"),
            "verified": True,
            "claimant": None,
            "route": "lan0",
            "proxies": ["wan0", "lan1"],
            "blocked": False,
            "foreign": False,
        }.items()
    )
    assert alive["host"]["last_seen_s"] < 60
    about_it = [e["event"] for e in alive["events"] if e["event"] != "lookup-started"]  # on the other links
    assert about_it[:2] == ["host-learned", "host-verified"]
    assert alive["events"][0]["reason"] == "first-sight"
    assert alive["events"][0]["proxied_on"] == ["wan0", "lan1"]
    assert gone["host"] is None
    assert [(e["event"], e["reason"]) for e in gone["events"]] == [(r["event"], r["reason"]) for r in logged]
    assert gone["events"][-1]["event"] == "host-forgotten"
    assert all(e["ts"][:17] <= r["ts"] for e, r in zip(gone["events"], logged, strict=True))


def test_several_hosts_in_one_request(home: Home, daemon: Start) -> None:
    """The answer has those hosts that the daemon knows."""
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)

    assert list(answer_of(running, request="hosts", addresses=[LAN, LAN2, "garbage", 7])["hosts"]) == [LAN]


def test_bad_request_is_refused(home: Home, daemon: Start) -> None:
    """A bad request gets an error, and the daemon continues."""
    running = daemon(home.router, *DEVS)
    for request in ({}, {"request": "dance"}, {"request": "address"}, {"request": "address", "address": "x"}):
        assert ask(running.state, **request) is None
    assert ask(running.state, request="hosts", addresses=["::"] * 501) is None

    assert answer_of(running, request="state")["counters"]["hosts"] == 0
    assert "internal-error" not in {record["event"] for record in running.log()}


def test_socket_goes_with_the_daemon(home: Home, daemon: Start) -> None:
    """A stop removes the socket; the socket of a killed daemon is replaced by the next."""
    first = daemon(home.router, *DEVS)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait(TIMEOUT_S)
    assert ask(first.state, request="state") is None
    assert (first.state / "control").is_socket()
    second = daemon(home.router, *DEVS)
    answer_of(second, request="state")

    assert second.stop() == 0
    assert not (second.state / "control").exists()


def test_socket_that_cannot_be_created_is_a_warning(home: Home, daemon: Start, ndpbr: Run) -> None:
    """Without its socket the daemon logs one warning, and works."""
    first = daemon(home.router, *DEVS)
    assert first.stop() == 0
    (first.state / "control").mkdir()
    running = daemon(home.router, *DEVS)
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN)

    warned = running.logged("control-failed")
    assert [(record["level"], record["error"]) for record in warned] == [
        ("warning", f"{first.state}/control exists and is no socket")
    ]
    assert ndpbr(home.router, "show").stdout.startswith(f"{LAN} lan0 -> ")
