"""docs/troubleshooting.md: for each symptom a test produces it and finds what the page says; some are here."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.echo import ask, echo
from tests.home import INET, LAN, LAN2, Home
from tests.lab import until
from tests.program import ROOT

DEVS = ("wan0", "lan0", "lan1")
RULE = "iif lan0 fib saddr . iif oif missing drop"
FILTER = f"table ip6 f {{ chain c {{ type filter hook prerouting priority 0; {RULE}\n}}\n}}"
# The first words of each row of the page's two tables, and the tests that produce it.
ROWS: Mapping[str, str] = {
    "no host behind the router": "e2e_doctor:mistake_is_found_and_fixed,port_of_a_bridge,mistake_of_a_firewall",
    "LAN hosts reach the router": "e2e_doctor:forwarding_is_turned_on_without_losing_the_default_route",
    "it worked, and stopped": "e2e_doctor:router_advertisements_are_ignored machine_checks:size_of_the_neighbor_cache"
    " e2e_mld_refresh:snooping_switch_keeps_the_group",
    "only some hosts": "e2e_explain:addresses_that_are_no_host,rules_of_the_running_daemon"
    " e2e_doctor:mistake_is_found_and_fixed",
    "hosts that come home": "recipe:deprecated_prefix e2e_doctor:deprecated_prefix_of_hosts",
    "no host is found": "troubleshooting:no_host_is_found"
    " fault_privilege:discovery_without_net_raw_probes_remembered_hosts",
    "it stopped for all hosts when radvd": "recipe:stopping_radvd_leaves_forwarding_on",
    "the modem solicits, the router": "e2e_listen:provider_that_drops_answers_from_link_local_addresses",
    "one host, which was on another LAN": "troubleshooting:outdated_entries_of_another_program",
    "the log says `address-ignored`": "fault_claims:ineligible_addresses_are_never_learned",
    "the log says `address-conflict`": "incidents:address_was_claimed",
    "the log says `action-refused`": "proxy:refused_entry_takes_the_others_along",
    "entries and settings are left": "e2e_doctor:leftovers_of_a_killed_daemon e2e_flush:flush_restores_settings",
    "`host-forgotten ": "incidents:phone_was_away",
    "`host-learned ": "incidents:phone_was_away",
    "`link-down ": "incidents:guest_link_flapped",
    "`check-failed ": "incidents:forwarding_was_off",
    "`default-route-lost`": "incidents:default_route_was_lost,modem_sent_no_advertisements",
    "`prefix-deprecated`": "health:prefix_that_is_replaced",
    "`address-conflict ": "incidents:address_was_claimed",
    "`address-ignored`": "fault_claims:ineligible_addresses_are_never_learned",
    "`stopping`": "e2e_log:start_and_stop_are_summaries,state_is_logged_once_an_hour",
}


def test_every_symptom_has_a_test() -> None:
    """Each row of the two tables is produced by tests that exist."""
    page = (ROOT / "docs/troubleshooting.md").read_text().partition("\n## It works for a minute")[0]
    rows = [row for row in re.findall(r"(?m)^\| (.*?) \|", page) if row not in ("symptom", "record", "none of them")]
    missing = [
        f"{file}:{name}"
        for file, names in (it.split(":") for value in ROWS.values() for it in value.split())
        for name in names.split(",")
        if f"\ndef test_{name}" not in (ROOT / f"tests/test_{file}.py").read_text()
    ]

    assert len(rows) == len(ROWS)
    assert [row for row, start in zip(rows, ROWS, strict=True) if not row.startswith(start)] == []
    assert missing == []


@pytest.mark.parametrize(("rules", "options"), [(FILTER, ()), ("", ("--no-listen",))])
def test_no_host_is_found(home: Home, daemon: Start, ndpbr: Run, rules: str, options: tuple[str, ...]) -> None:
    """A reverse path filter drops what the host sends, or nothing listens: explain finds no host with the address."""
    if shutil.which("nft") is None:
        pytest.skip("nft is not installed")
    assert home.router.run("nft", rules).returncode == 0
    running = daemon(home.router, *options, *DEVS)
    state = ("--state-dir", str(running.state))
    if rules:
        claim(home.lan, LAN)
    assert ask(home.modem, LAN, timeout=1.0) is None
    claim(home.lan2, LAN2)
    running.wait_for("host-learned", address=LAN2)  # later than the first claim would have been seen
    explained = ndpbr(home.router, "explain", LAN, *state)
    checked = ndpbr(home.router, "doctor", *state)

    assert (explained.returncode, explained.stdout.splitlines()[0]) == (1, "no: no host has used this address")
    assert ("warn firewall: ip6 f c drops packets of hosts without a host route on lan0: " in checked.stdout) == bool(
        rules
    )


def test_outdated_entries_of_another_program(home: Home, daemon: Start, ndpbr: Run) -> None:
    """A script's entries send a host's packets to its old LAN: explain says so; without them the host is reached."""
    echo(home.inet)
    home.router.lay(f"route add {LAN}/128 dev lan1", f"neigh add proxy {LAN} dev lan0")
    running = daemon(home.router, *DEVS)
    state = ("--state-dir", str(running.state))
    claim(home.lan, LAN)
    running.wait_for("address-ignored", address=LAN, dev="lan0", reason="routed-elsewhere")
    answer, advice, *_ = ndpbr(home.router, "explain", LAN, *state).stdout.splitlines()
    unreached = ask(home.lan, INET, timeout=1.0)
    home.router.ip(f"-6 route del {LAN}/128 dev lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN, dev="lan0")
    entries = [it for it in ndpbr(home.router, "doctor", *state).stdout.splitlines() if "foreign-entries" in it]

    assert answer.startswith("yes, but it was seen on lan0, and another program's route leads to lan1: proxied on ")
    assert advice == f"advice: ip -6 route show {LAN}"
    assert unreached is None
    assert entries == [f"warn foreign-entries: {LAN} dev lan0, which ndpbr never changes"]
    home.router.ip(f"neigh del proxy {LAN} dev lan0")
    until(lambda: ask(home.lan, INET, timeout=1.0), what="the host is reached")
