"""A claim against the routing table is refused, and the host that the table names keeps its address."""

from __future__ import annotations

import re
from ipaddress import IPv6Network
from pathlib import Path

import pytest

from tests.claim import claim
from tests.conftest import Run, Start
from tests.home import LAN, LAN2, Home
from tests.lab import until
from tests.observed import proxies, routes
from tests.recipe import missing

NESTED = "2001:db8:64:0:b::/80"
CLIENT, OTHER_CLIENT = "2001:db8:64:0:b::5", "2001:db8:64:0:b::6"
# Who claims the address of a VPN client: a neighbor of the uplink, a container, a LAN host.
CLAIMANTS = {"wan0": ("modem", "lan0"), "lan0": ("lan", "eth0"), "lan1": ("lan2", "eth0")}


def claim_from(home: Home, dev: str, address: str) -> None:
    """Claim *address* on the router's link *dev*."""
    name, own_dev = CLAIMANTS[dev]
    claim(getattr(home, name), address, dev=own_dev)


@pytest.mark.parametrize("dev", ["wan0", "lan0"])
@pytest.mark.parametrize("way", ["connected", "gateway", "host"])
def test_address_of_a_longer_route_cannot_be_taken(
    home: Home, daemon: Start, ndpbr: Run, tmp_path: Path, dev: str, way: str
) -> None:
    """Whether a tunnel has the prefix, a nested router or a VPN client: no claim on another link is accepted.

    explain names the longest route, and the advice its interface, where that is not listed.
    """
    home.router.lay("tuntap add mode tun dev tun0", "link set tun0 up")
    added = {
        "connected": f"{NESTED} dev tun0",
        "gateway": f"{NESTED} via fe80::7 dev lan1",
        "host": f"{CLIENT} dev tun0",
    }
    home.router.ip(f"-6 route add {added[way]}")
    # The router answers a solicitation only with an address of its own on that link.
    home.router.ip("address replace fe80::1/64 dev wan0 nodad")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    before = routes(home.router)
    claim_from(home, dev, CLIENT)
    ignored = running.wait_for("address-ignored", address=CLIENT)

    assert (ignored["level"], ignored["dev"], ignored["reason"]) == ("warning", dev, "routed-elsewhere")
    assert routes(home.router) == before
    # The modem forwards the router's answer to the claim, and asks for its destination.
    assert {entry for entry in proxies(home.router) if not entry.startswith(f"{CLIENT} dev wan0")} == set()
    explained = ndpbr(home.router, "explain", "--state-dir", str(tmp_path / "state"), CLIENT).stdout.splitlines()
    route = {"connected": f"{NESTED} dev tun0", "gateway": f"{NESTED} dev lan1", "host": f"{CLIENT}/128 dev tun0"}[way]
    assert f"longest-route: {route}" in explained
    advice = [line for line in explained if line.startswith("advice: ndpbr run ")]
    assert advice == ([] if way == "gateway" else ["advice: ndpbr run tun0 wan0 lan0 lan1"])


def test_uplink_with_a_host_route_only_cannot_take_addresses_of_the_inside(home: Home, daemon: Start) -> None:
    """Where the prefix is on a LAN only, no neighbor of the uplink can claim in it; LAN hosts can."""
    home.router.lay(
        "address del 2001:db8:64::2/64 dev wan0",
        "address add 2001:db8:65::2/128 dev wan0 nodad",
        "address replace fe80::1/64 dev wan0 nodad",
        "route replace default via fe80::99 dev wan0",
        "address add 2001:db8:64::3/64 dev lan0 nodad",
    )
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claim(home.modem, LAN, dev="lan0")
    running.wait_for("address-ignored", address=LAN, dev="wan0", reason="routed-elsewhere")
    claim(home.lan, LAN)
    running.wait_for("host-learned", address=LAN, dev="lan0")

    entries = {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan1 proto 135"}
    until(lambda: proxies(home.router) == entries, what="the LAN host is proxied")


def test_route_to_nowhere(home: Home, daemon: Start) -> None:
    """A part of the prefix that is reachable nowhere is closed to claims; the aggregate of the prefixes is not."""
    kinds = {"unreachable": "2001:db8:64:0:c::", "blackhole": "2001:db8:64:0:d::", "prohibit": "2001:db8:64:0:e::"}
    for kind, part in kinds.items():
        home.router.ip(f"-6 route add {kind} {part}/80")
    home.router.ip("-6 route add unreachable 2001:db8:64::/56")
    # The router answers a solicitation only with an address of its own on that link.
    home.router.ip("address replace fe80::1/64 dev wan0 nodad")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    for part in kinds.values():
        for dev in CLAIMANTS:
            claim_from(home, dev, f"{part}5")
            running.wait_for("address-ignored", address=f"{part}5", dev=dev, reason="routed-elsewhere")
    claim(home.lan, LAN)

    running.wait_for("host-verified", address=LAN)


def test_new_route_removes_the_hosts_that_it_contradicts(home: Home, daemon: Start) -> None:
    """A route that is added later takes effect immediately; when it is deleted, the host may come back."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.router.ip("-6 route add 2001:db8:64::10/124 via fe80::7 dev lan1")
    running.wait_for("host-forgotten", address=LAN, reason="routed-elsewhere")
    until(lambda: not proxies(home.router), what="the entries are removed")
    home.router.ip("-6 route del 2001:db8:64::10/124")

    def back() -> bool:
        claim(home.lan, LAN)
        return f"{LAN} dev wan0 proto 135" in proxies(home.router)

    assert until(back)


def test_advertised_prefixes_change_nothing_for_lan_hosts(home: Home, daemon: Start) -> None:
    """On-link prefixes that a neighbor of the uplink advertises, shorter or longer than the /64, cut no host off."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    claim(home.lan2, LAN2)
    running.wait_for("host-verified", address=LAN2)
    for length in (48, 56, 63, 65):
        prefix = IPv6Network(f"{LAN}/{length}", strict=False)
        home.router.ip(f"-6 route add {prefix} dev wan0 proto ra expires 1800")
    # A route that does contradict a host shows that the advertised ones have been read.
    home.router.ip(f"-6 route add blackhole {LAN2} metric 50")
    running.wait_for("host-forgotten", address=LAN2, reason="routed-elsewhere")

    assert not [record for record in running.log() if record["event"] == "host-forgotten" and record["address"] == LAN]
    assert {f"{LAN} dev wan0 proto 135", f"{LAN} dev lan1 proto 135"} <= proxies(home.router)


def test_advertised_prefix_without_end_changes_nothing_for_lan_hosts(home: Home, daemon: Start, tmp_path: Path) -> None:
    """The kernel's route of an advertised prefix with an infinite lifetime looks like one of the router's own."""
    if reason := missing("radvd"):
        pytest.skip(reason)
    home.router.ip("address add 2001:db8:64::3/64 dev lan0 nodad")
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    for host, address in ((home.lan, LAN), (home.lan2, LAN2)):
        claim(host, address)
        running.wait_for("host-verified", address=address)
    home.router.sysctl("net/ipv6/conf/wan0/accept_ra", 2)
    conf, prefix = tmp_path / "radvd.conf", "2001:db8:64::/65"
    endless = "{ AdvAutonomous off; AdvValidLifetime infinity; AdvPreferredLifetime infinity; };"
    conf.write_text(f"interface lan0 {{ AdvSendAdvert on; prefix {prefix} {endless} }};\n")
    home.modem.spawn("radvd", "-n", "-m", "stderr", "-C", str(conf), "-p", str(tmp_path / "radvd.pid"))
    until(lambda: f"{prefix} dev wan0 proto kernel" in home.router.ip("-6 route show"), what="the advertised route")
    # Shows that the advertised route has been read.
    home.router.ip(f"-6 route add blackhole {LAN2} metric 50")
    running.wait_for("host-forgotten", address=LAN2, reason="routed-elsewhere")

    assert not [record for record in running.log() if record["event"] == "host-forgotten" and record["address"] == LAN]


def test_static_host_wins_over_the_routing_table(home: Home, daemon: Start, ndpbr: Run, tmp_path: Path) -> None:
    """--static is explicit: the host is proxied; a warning at the start, and of doctor, says what the table says."""
    home.router.ip(f"-6 route add {NESTED} via fe80::7 dev lan1")
    running = daemon(home.router, "--static", f"{CLIENT}%lan0", "wan0", "lan0", "lan1")
    warned = running.wait_for("check-warned", check="static")

    assert warned["detail"] == f"{CLIENT} is on lan0 by --static, but the routing table says {NESTED} dev lan1"
    doctor = ndpbr(home.router, "doctor", "--state-dir", str(tmp_path / "state")).stdout
    assert f"warn static: {warned['detail']}" in doctor
    assert f"{CLIENT} dev wan0 proto 135" in proxies(home.router)


def test_static_host_behind_a_nested_router_gets_no_route(home: Home, daemon: Start) -> None:
    """A host route of ours would lead past the nested router: the host gets proxy entries only."""
    home.router.ip(f"-6 route add {NESTED} via fe80::7 dev lan1")
    daemon(home.router, "--static", f"{CLIENT}%lan1", "wan0", "lan0", "lan1")

    until(lambda: proxies(home.router) == {f"{CLIENT} dev wan0 proto 135", f"{CLIENT} dev lan0 proto 135"})
    assert not [route for route in routes(home.router) if "proto 135" in route]


def test_what_another_program_takes_away_is_restored_immediately(home: Home, daemon: Start) -> None:
    """A deleted route and a proxy_ndp that was turned off are restored without waiting for the next resync."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    home.router.ip("-6 route flush proto 135")
    running.wait_for("host-repaired", address=LAN)
    until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is back")
    setting = "net/ipv6/conf/wan0/proxy_ndp"
    home.router.sysctl(setting, 0)
    until(lambda: home.router.sysctl(setting) == "1", what="proxy_ndp is on again")
    home.router.sysctl("net/ipv6/conf/all/forwarding", 0)

    assert running.wait_for("check-failed", check="forwarding")["level"] == "warning"
    assert home.router.sysctl("net/ipv6/conf/all/forwarding") == "0"


def test_fight_with_another_program_is_damped(home: Home, daemon: Start) -> None:
    """Whatever another program changes all the time is restored less and less often, and at last when it stops."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    script = "while sleep 0.1; do ip -6 route flush proto 135; echo 0 > /proc/sys/net/ipv6/conf/wan0/proxy_ndp; done"
    other = home.router.spawn("sh", "-c", script)
    repaired = running.wait_for("host-repaired", address=LAN, reason="changed-again")
    setting = running.wait_for("setting-changed-again")
    until(lambda: len([it for it in running.log() if it["event"] == "setting-changed" and it["level"] == "debug"]) > 3)
    other.kill()
    other.wait()

    assert (repaired["level"], setting["level"], setting["setting"]) == ("warning", "warning", "conf/wan0/proxy_ndp")
    until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is restored")
    until(lambda: home.router.sysctl("net/ipv6/conf/wan0/proxy_ndp") == "1", what="the setting is restored")
    warned = [record for record in running.log() if record["level"] == "warning"]
    assert len([record for record in warned if record.get("reason") == "changed-again"]) == 1
    assert len([record for record in warned if record["event"] == "setting-changed-again"]) == 1


def test_route_that_is_deleted_again_and_again_is_restored_when_its_time_has_come(home: Home, daemon: Start) -> None:
    """Another program that deletes it as soon as it is back does not delay it until the next resync."""
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    for _ in range(4):
        home.router.ip("-6 route flush proto 135")
        until(lambda: f"{LAN} dev lan0 proto 135" in routes(home.router), what="the route is restored")

    assert [it["reason"] for it in running.logged("host-repaired")] == ["kernel-differs", *["changed-again"] * 3]


def test_policy_rule_that_leads_past_the_host_route(home: Home, daemon: Start, ndpbr: Run, tmp_path: Path) -> None:
    """explain asks the kernel, doctor reads the rules, and the fix that it prints works."""
    home.router.ip("-6 rule add iif wan0 lookup 100 priority 100")
    home.router.ip("-6 route add default dev lan1 table 100")
    running = daemon(home.router, "wan0", "lan0", "lan1")
    claim(home.lan, LAN)
    running.wait_for("host-verified", address=LAN)
    until(lambda: f"{LAN} dev wan0 proto 135" in proxies(home.router), what="the host is proxied")
    options = ("--state-dir", str(tmp_path / "state"))
    past = ndpbr(home.router, "explain", *options, LAN)
    warned = ndpbr(home.router, "doctor", *options).stdout
    (fix,) = re.findall(r"ip -6 rule add [^\n`]*", warned)
    home.router.ip(*fix.split()[1:])
    good = ndpbr(home.router, "explain", *options, LAN)

    assert past.stdout.startswith("no: packets from wan0 do not go to lan0 but: dev lan1 by a policy rule, table 100")
    assert (past.returncode, good.returncode) == (1, 0), good.stdout
    assert "path: from wan0: dev lan0" in good.stdout


def test_rules_and_routes_for_some_packets_only(home: Home, ndpbr: Run) -> None:
    """doctor reads the tables of the rules; explain names what decides for packets that it does not ask about."""
    home.router.ip("-6 rule add from 2001:db8:7::/48 lookup 100 priority 100")
    home.router.ip("-6 rule add iif lan0 lookup 4711 priority 101")

    def policy() -> list[str]:
        return [
            line for line in ndpbr(home.router, "doctor", "wan0", "lan0").stdout.splitlines() if "policy-rules" in line
        ]

    empty = policy()
    home.router.ip("-6 route add default dev lan1 table 100")
    led_past = policy()
    home.router.ip("-6 route add throw 2001:db8:64::/64 table 100")
    thrown = policy()
    home.router.ip(f"-6 route add {LAN} from 2001:db8:8::/48 dev lan1")
    home.router.ip(f"-6 route add {LAN} dev lan1 table 100")
    facts = ndpbr(home.router, "explain", LAN, "--interfaces", "wan0,lan0").stdout.splitlines()

    fine = ["ok   policy-rules: packets to the hosts use the main table first"]
    assert (empty, thrown) == (fine, fine)
    rule = "100: from 2001:db8:7::/48 lookup 100"
    assert [it.partition(": packets")[0] for it in led_past] == [
        f"warn policy-rules: {rule} (table 100 has default dev lan1)"
    ]
    assert f"policy-rule: {rule} decides for packets that it matches (table 100 has {LAN} dev lan1)" in facts
    assert f"source-specific: {LAN} from 2001:db8:8::/48 dev lan1 decides for packets from 2001:db8:8::/48" in facts


def test_replaced_route_is_read(home: Home, daemon: Start) -> None:
    """`route replace` and `route append` print the new route only; the deletion of one leg of several has a line."""
    home.router.ip(f"-6 route add {NESTED} via fe80::7 dev lan1")
    running = daemon(home.router, "--resync-interval", "3600", "wan0", "lan0", "lan1")
    claim(home.lan, CLIENT)
    running.wait_for("address-ignored", address=CLIENT, dev="lan0", reason="routed-elsewhere")
    home.router.ip(f"-6 route replace {NESTED} via fe80::7 dev lan0")

    def learned() -> bool:
        claim(home.lan, CLIENT)
        return f"{CLIENT} dev lan0 proto 135" in routes(home.router)

    until(learned)
    claim(home.lan2, OTHER_CLIENT)
    running.wait_for("address-ignored", address=OTHER_CLIENT, dev="lan1", reason="routed-elsewhere")
    home.router.ip(f"-6 route append {NESTED} via fe80::8 dev lan1")

    def learned_on_lan1() -> bool:
        claim(home.lan2, OTHER_CLIENT)
        return f"{OTHER_CLIENT} dev lan1 proto 135" in routes(home.router)

    until(learned_on_lan1, what="both links of the multipath route are open")
    home.router.ip(f"-6 route del {NESTED} via fe80::7 dev lan0")

    assert running.wait_for("host-forgotten", address=CLIENT)["reason"] == "routed-elsewhere"
