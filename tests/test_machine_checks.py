"""Facts -> findings about the machine; test_e2e_doctor.py has the kernel's part."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ndpbr_py.commands.doctor import lines
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import machine_checks
from ndpbr_py.doctor.checks import findings
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.finding import Finding, Status, ok
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.doctor.service import Service, service
from tests.builders import HOST, LLADDR, entry, kernel, prefix_route, route


def found(check: Any, **known: Any) -> list[tuple[str, str, str | None]]:
    """Return status, detail and fix of a check's findings."""
    facts = Facts(("wan0", "lan0"), (Link("wan0"), Link("lan0")), **known)
    return [(finding.status.value, finding.detail, finding.fix) for finding in check(facts)]


def test_daemon_that_does_not_run() -> None:
    """A daemon that should run is a failure, one that never ran a warning; the service manager's command fixes it."""
    run = "ndpbr run wan0 lan0"

    for known, expected in (
        ({}, ("warn", "not running", run)),
        ({"expected": True}, ("fail", "not running", run)),
        ({"tables": kernel(entry())}, ("fail", "not running", run)),
        ({"start": "rc-service ndpbr start"}, ("warn", "not running", "rc-service ndpbr start")),
    ):
        finding = machine_checks.daemon(Facts(("wan0", "lan0"), **known))
        assert (finding.status.value, finding.detail, finding.fix) == expected


@pytest.mark.parametrize("manager", ["OpenRC", "systemd", "none"])
def test_service_manager_that_has_the_service(tmp_path: Path, manager: str) -> None:
    """The service manager is the one that has the service installed; a link says whether it is enabled."""
    files = {
        "OpenRC": ("etc/init.d/ndpbr", "sbin/openrc-run", "etc/runlevels/default/ndpbr"),
        "systemd": (
            "usr/lib/systemd/system/ndpbr.service",
            "etc/systemd/system/multi-user.target.wants/ndpbr.service",
        ),
        "none": (),
    }[manager]
    for name in files[:-1]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    installed = service(tmp_path)
    for name in files[-1:]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    enabled = service(tmp_path)

    start = {"OpenRC": "rc-service ndpbr start", "systemd": "systemctl start ndpbr"}.get(manager)
    assert installed == Service(start, enabled=False)
    assert enabled == Service(start, enabled=start is not None)


@pytest.mark.parametrize(
    ("version", "status"), [((4, 20), "fail"), ((5, 0), "warn"), ((5, 15), "warn"), ((5, 16), "ok"), ((6, 1), "ok")]
)
def test_version_of_iproute2(version: tuple[int, int], status: str) -> None:
    """5.0 can tag proxy entries, 5.16 can probe a silent host again."""
    assert [line[0] for line in found(machine_checks.iproute2, ip=version)] == [status]


@pytest.mark.parametrize(("release", "status"), [("4.19.0", "fail"), ("5.0-rc1", "ok"), ("6.1.0-18-amd64", "ok")])
def test_version_of_linux(release: str, status: str) -> None:
    """Linux 5.0 keeps the tags of proxy entries."""
    assert [line[0] for line in found(machine_checks.kernel, kernel=release)] == [status]


@pytest.mark.parametrize(
    ("entries", "status", "fix"),
    [
        (767, "ok", None),
        (768, "warn", "sysctl -w net.ipv6.neigh.default.gc_thresh3=4096  # also in /etc/sysctl.d/ndpbr.conf"),
        (1024, "warn", "sysctl -w net.ipv6.neigh.default.gc_thresh3=8192  # also in /etc/sysctl.d/ndpbr.conf"),
    ],
)
def test_size_of_the_neighbor_cache(entries: int, status: str, fix: str | None) -> None:
    """From three quarters on doctor advises a limit of at least four times the entries."""
    (line,) = found(machine_checks.table_size, neighbors=entries, gc_thresh3=1024)

    assert line[::2] == (status, fix)


def test_many_entries_of_other_programs() -> None:
    """A few entries are named, the others counted. No command that would cut off that program's hosts is suggested."""
    foreign = [entry(f"2001:db8::{number}", ours=False) for number in range(1, 6)]
    few = found(machine_checks.foreign, tables=kernel(*foreign[:2], entry()))
    many = found(machine_checks.foreign, tables=kernel(*foreign))

    assert few[0][1].startswith("2001:db8::1 dev wan0, 2001:db8::2 dev wan0, which")
    assert "2001:db8::3 dev wan0 and 2 more" in many[0][1]
    assert (few[0][0], few[0][2], many[0][2]) == ("warn", None, None)


def test_entries_of_other_programs_that_the_routing_table_confirms() -> None:
    """An entry for an address that the table sends to another link is as it should be."""
    client = entry("2001:db8:0:0:b::5", ours=False)
    confirmed = found(machine_checks.foreign, tables=kernel(client, prefix_route("2001:db8:0:0:b::/80", "tun0")))
    contradicted = found(machine_checks.foreign, tables=kernel(client, prefix_route()))

    assert (confirmed[0][0], contradicted[0][0]) == ("ok", "warn")


def test_entry_of_another_program_on_the_link_of_the_host() -> None:
    """The host's own route leads to that link: the router defends the address against its owner."""
    (line,) = found(machine_checks.foreign, tables=kernel(entry(dev="lan0", ours=False), route(), prefix_route()))

    assert line[:2] == ("warn", f"{HOST} dev lan0, which ndpbr never changes")


def test_limits() -> None:
    """The check warns when a limit of the daemon is reached, and says nothing without a daemon."""
    rules, few, many = Rules((), max_hosts=200, max_hosts_per_lladdr=64), (3, LLADDR, "lan0"), (64, LLADDR, "lan0")
    room = found(machine_checks.limits, rules=rules, hosts=100, most_addresses=few)
    lladdr = found(machine_checks.limits, rules=rules, hosts=100, most_addresses=many)
    hosts = found(machine_checks.limits, rules=rules, hosts=200, most_addresses=few)

    assert room == [("ok", "100 of 200 hosts, 3 of 64 with one link-layer address", None)]
    assert [(status, fix) for status, _, fix in lladdr] == [("warn", "ndpbr run --max-hosts-per-lladdr 128 wan0 lan0")]
    assert lladdr[0][1].startswith(f"{LLADDR} on lan0 has 64 addresses")
    assert [(status, fix) for status, _, fix in hosts] == [("warn", "ndpbr run --max-hosts 400 wan0 lan0")]
    assert found(machine_checks.limits, rules=rules) == []


def test_leftovers() -> None:
    """Entries and settings are leftovers only while no daemon runs."""
    tables = kernel(route(), entry(), entry("2001:db8::1", ours=False))
    left = found(machine_checks.leftovers, tables=tables, unrestored=True)

    assert left[0][1].startswith("2 routes and proxy entries of a run that was killed")
    assert [line[2] for line in left] == ["ndpbr flush", "ndpbr flush"]
    assert found(machine_checks.leftovers, tables=tables, unrestored=True, running=True) == []


def test_leftovers_of_another_protocol_number(tmp_path: Path) -> None:
    """The fix names the protocol number: without it flush would remove nothing."""
    facts = ProcFs(tmp_path, tmp_path).facts(("wan0", "lan0"), kernel(route(), entry()), 200, tmp_path)
    (finding,) = machine_checks.leftovers(facts)

    assert finding.fix == "ndpbr flush --protocol 200"


def test_facts_that_are_unknown() -> None:
    """A check whose facts are unknown has no line; only the firewall's says why doctor cannot tell."""
    result = findings(
        Facts(("wan0",), (Link("wan0", forwarding=None, accept_ra=None, proxy_ndp=None),), forwarding=None)
    )

    assert [(it.name, it.status) for it in result] == [
        ("iproute2", Status.FAIL),
        ("capabilities", Status.OK),
        ("interface", Status.OK),
        ("forwarding", Status.OK),
        ("leftovers", Status.OK),
        ("firewall", Status.INFO),
    ]


def test_failures_come_first_and_the_summary_last() -> None:
    """Failures, warnings, the rest, and one line that counts them."""
    facts = Facts(("wan0", "lan0"), (Link("wan0", carrier=False), Link("lan0")), ip=(6, 1), forwarding=0)
    *printed, summary = lines(findings(facts))

    assert [line[:4].strip() for line in printed] == ["fail", "warn", "ok", "ok", "ok", "ok", "info"]
    assert summary == "7 checks: 1 failed, 1 warning"
    assert lines([ok("kernel", "new")])[-1] == "1 checks: 0 failed, 0 warnings"


def test_a_finding_is_one_line() -> None:
    """Each finding is one line, short enough for a small syslogd."""
    result: list[Finding] = findings(Facts(("wan0",), kernel="4.4", neighbors=9000, gc_thresh3=1024, unrestored=True))

    assert all("\n" not in finding.detail + (finding.fix or "") for finding in result)
    assert max(len(finding.detail + (finding.fix or "")) for finding in result) < 160


@pytest.mark.parametrize(("become_root", "fix"), [(None, None), ("doas", "doas ndpbr doctor")])
def test_advice_to_become_root_fits_the_machine(become_root: str | None, fix: str | None) -> None:
    """No program is advised that is not installed, and none to root, which no program gives more rights."""
    (finding,) = machine_checks.capabilities(Facts((), capable=False, become_root=become_root))

    assert (finding.status, finding.fix) == (Status.WARN, fix)
