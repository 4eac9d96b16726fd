"""Findings, one run of the checks after the other -> what is new, and what has passed."""

from __future__ import annotations

from ndpbr_py.doctor.changes import CheckStates
from ndpbr_py.doctor.finding import fail, ok, warn

OFF = fail("forwarding", "off", "sysctl -w net/ipv6/conf/all/forwarding=1")
OFF_ON_LAN = fail("forwarding", "off on lan0", "sysctl -w net/ipv6/conf/lan0/forwarding=1")
ON = ok("forwarding", "on")


def test_failure_is_new_once_and_passes_once() -> None:
    """A check that fails is reported when it begins to fail; when it passes, with the time that it failed for."""
    checks = CheckStates()

    assert checks.update([ON], 0.0) == ([], [])
    assert checks.update([OFF], 60.0) == ([OFF], [])
    assert checks.update([OFF], 120.0) == ([], [])
    assert checks.update([ON], 372.0) == ([], [("forwarding", 312.0)])
    assert checks.update([ON], 400.0) == ([], [])


def test_second_failure_of_a_check_is_new() -> None:
    """Each thing to fix is reported once while the check fails; it passes when nothing is left."""
    checks = CheckStates()
    checks.update([OFF_ON_LAN], 0.0)

    assert checks.update([OFF], 10.0) == ([OFF], [])
    assert checks.update([OFF_ON_LAN], 20.0) == ([], [])
    assert checks.update([ON], 30.0) == ([], [("forwarding", 30.0)])


def test_text_that_changes_is_not_new() -> None:
    """The number of entries in the neighbor table differs each time."""
    checks = CheckStates()
    checks.update([warn("neighbor-table", "900 entries, at most 1024", "sysctl -w ...=4096")], 0.0)

    assert checks.update([warn("neighbor-table", "901 entries, at most 1024", "sysctl -w ...=4096")], 60.0) == ([], [])


def test_check_without_a_finding_passes() -> None:
    """The check of router advertisements has no finding where no default route was advertised."""
    checks = CheckStates()
    checks.update([fail("accept-ra", "wan0 ignores router advertisements")], 0.0)

    assert checks.update([], 60.0) == ([], [("accept-ra", 60.0)])
    assert checks.failed == {"accept-ra": False}


def test_failed_checks_are_those_that_fail_now() -> None:
    """A warning is no failure, and one failure among several findings is one."""
    checks = CheckStates()
    checks.update([ON, OFF_ON_LAN, ON, warn("prefix", "on wan0 and lan0")], 0.0)

    assert checks.failed == {"forwarding": True, "prefix": False}


def test_findings_of_one_check_are_limited() -> None:
    """Another host can advertise thousands of prefixes: the log gets ten findings about them."""
    checks = CheckStates()
    many = [warn("prefix", f"2001:db8:{number:x}::/63 is shorter than /64") for number in range(1000)]

    assert checks.update([*many, OFF], 0.0) == ([*many[:10], OFF], [])
    assert checks.update(many, 60.0)[0] == []
