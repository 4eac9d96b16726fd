"""`nft list ruleset` -> the findings about the mistakes that keep hosts from being reached.

The rule sets in fixtures/rulesets/ are what nft 1.0.6 printed.
"""

from __future__ import annotations

from ipaddress import IPv6Network
from pathlib import Path

import pytest

from ndpbr_py.core.events import KernelSnapshot, Route
from ndpbr_py.doctor import nft
from ndpbr_py.doctor.facts import Facts, Link
from ndpbr_py.doctor.firewall import firewall
from tests.builders import addr

RULESETS = Path(__file__).parent.parent / "fixtures" / "rulesets"
PREFIX = "2001:db8:64::/64"
ROUTES = (
    Route(IPv6Network("::/0"), "wan0", addr("fe80::1")),
    Route(IPv6Network(PREFIX), "wan0"),
)
UNACCEPTED = "its policy is drop, and no rule accepts them"
ND = ("icmpv6 type '{ nd-neighbor-solicit, nd-neighbor-advert }'", "-p ipv6-icmp")
REPLIES = ("ct state established,related", "-m conntrack --ctstate ESTABLISHED,RELATED")
OUTWARD = ("iifname lan0 oifname wan0", "-i lan0 -o wan0")
OF_HOSTS = (f"iifname lan0 ip6 saddr {PREFIX}", f"-i lan0 -s {PREFIX}")

UNROUTED = "packets of hosts without a host route"
FIREWALLD_FILTER = "meta nfproto ipv6 fib saddr . mark . iif oif missing drop"

Lines = list[tuple[str, str, str | None]]


def found(ruleset: str | None, problem: str | None = None) -> Lines:
    """Return status, detail and fix of what doctor finds on a router with the uplink wan0 and the LAN lan0."""
    chains = None if ruleset is None else nft.parse(ruleset)
    tables, links = KernelSnapshot(routes=ROUTES), (Link("wan0"), Link("lan0"))
    facts = Facts(("wan0", "lan0"), links, tables, chains=chains, firewall_problem=problem)
    return [(finding.status.value, finding.detail, finding.fix) for finding in firewall(facts)]


def chain(hook: str, *rules: str, policy: str = "drop") -> str:
    """Return what nft lists for a table with one base chain, and with a chain that accepts neighbor discovery."""
    accept = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"
    base = f"type filter hook {hook} priority filter; policy {policy};"
    chains = {"nd": [accept], "back": ["return"], "base": [base, *rules]}
    text = "\n".join("\n\t\t".join([f"\tchain {name} {{", *lines]) + "\n\t}\n" for name, lines in chains.items())
    return f"table inet fw {{\n{text}}}\n"


def base(hook: str, *rules: str, policy: str = "drop") -> str:
    """Return what doctor finds wrong with a base chain, without the chain's name."""
    lines = found(chain(hook, *rules, policy=policy))
    return "; ".join(detail.removeprefix("inet fw base drops ") for status, detail, _ in lines if status == "warn")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "docker",
            [
                (
                    f"ip6 filter FORWARD drops connections from lan0 to wan0: {UNACCEPTED}",
                    f"ip6tables -t filter -I DOCKER-USER {OUTWARD[1]} -j ACCEPT",
                ),
                (
                    f"ip6 filter FORWARD drops replies from wan0 to lan0: {UNACCEPTED}",
                    f"ip6tables -t filter -I DOCKER-USER {REPLIES[1]} -j ACCEPT",
                ),
            ],
        ),
        (
            "ufw",
            [
                (
                    f"ip6 filter FORWARD drops connections from lan0 to wan0: {UNACCEPTED}",
                    f"ip6tables -t filter -I FORWARD {OUTWARD[1]} -j ACCEPT",
                )
            ],
        ),
        (
            "rpfilter",
            [
                (
                    f"ip6 raw PREROUTING drops {UNROUTED} on lan0: `fib saddr . mark . iif oif 0 drop`",
                    f"ip6tables -t raw -I PREROUTING {OF_HOSTS[1]} -j ACCEPT",
                )
            ],
        ),
        (
            "firewalld",
            [
                (
                    f"inet firewalld filter_PREROUTING drops {UNROUTED} on lan0: `{FIREWALLD_FILTER}`",
                    f"nft insert rule inet firewalld filter_PREROUTING {OF_HOSTS[0]} accept",
                )
            ],
        ),
        ("fw4", []),
    ],
)
def test_rule_sets_of_common_firewalls(name: str, lines: list[tuple[str, str]]) -> None:
    """Doctor finds each firewall's mistake, with its fix; without a mistake doctor cannot tell."""
    result = found((RULESETS / f"{name}-1.0.6.txt").read_text())

    assert [line[1:] for line in result if line[0] == "warn"] == lines
    assert lines or [line[0] for line in result] == ["info"]


@pytest.mark.parametrize("policy", ["drop", "accept"])
def test_no_base_chain_in_the_input_or_forward_hook(policy: str) -> None:
    """Then the firewall is ok, whatever it does elsewhere."""
    elsewhere = [chain("output", policy=policy), chain("forward", policy=policy).replace("inet", "ip")]
    elsewhere.append(chain("prerouting", f"ip6 saddr != {PREFIX} drop", policy="accept"))

    assert [line[0] for line in found("\n".join(elsewhere))] == ["ok"]
    assert found("") == [("ok", "filters neither input nor forwarded packets", None)]
    assert [line[0] for line in found(chain("input", policy="accept"))] == ["info"]


@pytest.mark.parametrize(
    ("table", "chains"),
    [("table inet x {{ # progname nft\n\tflags owner{}", 1), ("table inet x {{\n\tflags dormant{}", 0)],
    ids=["owned", "dormant"],
)
def test_tables_with_flags(table: str, chains: int) -> None:
    """A table that a program owns is read like any other; a dormant one has no effect."""
    chain = "\n\tchain i {\n\t\ttype filter hook input priority filter; policy drop;\n\t}\n}\n"

    assert len(nft.parse(table.format(chain))) == chains


def test_chains_that_are_not_known() -> None:
    """Where the rules cannot be read, that is no warning, and there is no fix."""
    assert found(None, "nft is not installed") == [("info", "cannot tell: nft is not installed", None)]


def test_policy_that_accepts_no_neighbor_discovery() -> None:
    """Mistake: an input policy of drop without a rule that accepts neighbor discovery."""
    result = found(chain("input", "ct state established,related accept"))

    assert result == [
        (
            "warn",
            f"inet fw base drops neighbor discovery on wan0 and lan0: {UNACCEPTED}",
            f"nft insert rule inet fw base {ND[0]} accept",
        )
    ]


@pytest.mark.parametrize(
    ("rule", "drops"),
    [
        ("icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } counter packets 0 bytes 0 accept", ""),
        ("meta l4proto { icmp, ipv6-icmp } limit rate 10/second accept", ""),
        ("meta l4proto 58 accept", ""),
        ("ip6 nexthdr ipv6-icmp accept", ""),
        ("ip6 hoplimit 255 accept", ""),
        ("ip6 saddr fe80::/10 accept", ""),
        ("icmpv6 type 135-136 accept", ""),
        ("icmpv6 type != echo-request accept", ""),
        ("icmpv6 type . icmpv6 code { nd-neighbor-solicit . no-route } accept", ""),
        ("icmpv6 type @allowed accept", ""),
        ("xt match physdev counter packets 0 bytes 0 accept", ""),
        ("ct state { established, untracked } accept", ""),
        ('iifname "*" accept', ""),
        ("iifname vmap @zones", ""),
        ('iifname vmap { "lan0" : jump nd, "wan0" : jump nd }', ""),
        ("jump nd", ""),
        ("goto nd", ""),
        ("queue to 0", ""),
        ('comment "a comment of the chain"', "wan0 and lan0"),
        ('log prefix "accept"', "wan0 and lan0"),
        ('tcp dport 22 accept comment "drop"', "wan0 and lan0"),
        ("tcp flags syn / fin,syn accept", "wan0 and lan0"),
        ("meta l4proto { tcp, udp } accept", "wan0 and lan0"),
        ("icmpv6 type nd-neighbor-solicit accept", "wan0 and lan0"),
        ("icmpv6 type echo-request accept", "wan0 and lan0"),
        ("ip saddr 192.0.2.1 accept", "wan0 and lan0"),
        ("meta nfproto ipv4 accept", "wan0 and lan0"),
        ("ct state vmap { invalid : drop, established : accept, related : accept }", "wan0 and lan0"),
        ("meta l4proto ipv6-icmp jump back", "wan0 and lan0"),
        ("jump gone", "wan0 and lan0"),
        ("return", "wan0 and lan0"),
        ('iifname "lan*" meta l4proto ipv6-icmp accept', "wan0"),
        ('iif != "lan0" icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept', "lan0"),
    ],
)
def test_rule_of_an_input_chain_with_the_policy_drop(rule: str, drops: str) -> None:
    """A rule that accepts, or may accept, solicitations and advertisements on an interface is enough."""
    mistake = f"neighbor discovery on {drops}: {UNACCEPTED}" if drops else ""

    assert base("input", rule) == mistake


def test_interface_without_neighbor_discovery() -> None:
    """No rule for it is missing, and without a prefix or a default route no packet is missing either."""
    chains = nft.parse(chain("input") + chain("forward").replace("fw", "fw2"))

    (finding,) = firewall(Facts(("ppp0",), (Link("ppp0", noarp=True),), chains=chains))
    assert finding.status.value == "info"


@pytest.mark.parametrize(
    ("rules", "mistake"),
    [
        (["meta l4proto ipv6-icmp drop"], "`meta l4proto ipv6-icmp drop`"),
        (["reject with icmpv6 admin-prohibited"], "`reject with icmpv6 admin-prohibited`"),
        (["jump nd", "drop"], ""),
        (["limit rate 1/second drop"], ""),
        (["ct mark 0x00000001 return", "drop"], ""),
        (["ct mark 0x00000001 goto back", "drop"], ""),
        (["goto back", "drop"], ""),
        (["jump back", "drop"], "`drop`"),
    ],
)
def test_rule_that_drops_neighbor_discovery(rules: list[str], mistake: str) -> None:
    """With the policy accept, a rule counts only if it certainly drops the packets."""
    expected = f"neighbor discovery on wan0 and lan0: {mistake}" if mistake else ""

    assert base("input", *rules, policy="accept") == expected


@pytest.mark.parametrize(
    ("rules", "outward", "replies"),
    [
        ([], UNACCEPTED, UNACCEPTED),
        (["ct state established,related accept"], UNACCEPTED, ""),
        (['iifname "lan0" oifname "wan0" accept'], "", UNACCEPTED),
        (["ct state vmap { established : accept, related : accept }", 'iifname "lan0" accept'], "", ""),
        (['iifname "lan0" accept', 'iifname "wan0" accept'], "", ""),
        (["ct state != invalid accept"], "", ""),
        (["ct state ! invalid counter packets 0 bytes 0 accept"], "", ""),
        (["meta l4proto ipv6-icmp accept", "ct state established accept"], UNACCEPTED, ""),
        (["ct state established accept", "tcp dport 443 accept"], "", ""),
        (["ct state established accept", 'iifname "docker0" oifname != "docker0" accept'], UNACCEPTED, ""),
        (["ct state established accept", f"ip6 saddr {PREFIX} accept"], "", ""),
        (["ct state established accept", "ip6 saddr 2001:db8:65::/64 accept"], UNACCEPTED, ""),
        (["ct state established accept", "ip6 saddr 2001:db8:64::/65 accept"], "", ""),
    ],
)
def test_forward_chain_with_the_policy_drop(rules: list[str], outward: str, replies: str) -> None:
    """Mistakes: no rule accepts connections from the LAN to the uplink, or none accepts the replies."""
    mistakes = [f"connections from lan0 to wan0: {outward}"] if outward else []
    mistakes += [f"replies from wan0 to lan0: {replies}"] if replies else []

    assert base("forward", *rules) == "; ".join(mistakes)


def test_fixes_of_a_forward_chain() -> None:
    """Each mistake has a command of its own."""
    result = found(chain("forward"))

    assert [line[2] for line in result] == [f"nft insert rule inet fw base {it[0]} accept" for it in (OUTWARD, REPLIES)]


@pytest.mark.parametrize(
    ("rule", "mistake"),
    [
        (f"ip6 saddr {PREFIX} drop", "connections from lan0 to wan0"),
        ("ip6 daddr 2001:db8::/32 reject", "replies from wan0 to lan0"),
        (f'iifname "wan0" ip6 daddr {PREFIX} drop', "replies from wan0 to lan0"),
        (f'iifname "wan0" ip6 daddr {PREFIX} ct state new drop', ""),
        (f'iifname "wan0" ip6 saddr {PREFIX} drop', ""),
        (f"ip6 daddr {PREFIX} tcp dport 22 drop", ""),
        ("ip6 daddr 2001:db8:64::/80 drop", ""),
        ("ip6 daddr { 2001:db8:65::/64, 2001:db8:66::/64 } drop", ""),
        ("ip6 daddr != 2001:db8::/32 drop", ""),
    ],
)
def test_rule_that_drops_the_prefix(rule: str, mistake: str) -> None:
    """Mistake: a forward rule that drops the prefix; not if it drops only new connections, or part of the prefix."""
    assert base("forward", rule, policy="accept") == (f"{mistake}: `{rule}`" if mistake else "")
    assert base("forward", "ct state established,related accept", 'iifname "lan0" accept', rule) == ""


@pytest.mark.parametrize(
    ("rules", "filters"),
    [
        (["fib saddr . iif oif missing drop"], True),
        (['iifname "lan0" fib saddr . mark . iif oif 0 counter packets 0 bytes 0 drop'], True),
        (['meta nfproto ipv6 fib saddr . iif oif missing log prefix "rpf: " drop'], True),
        (["icmpv6 type { nd-router-advert, nd-neighbor-solicit } accept", "fib saddr . iif oif missing drop"], True),
        (['iifname "wan0" fib saddr . iif oif missing drop'], False),
        (["fib saddr oif 0 counter packets 0 bytes 0 drop"], False),
        (["fib saddr . iif oif != 0 accept"], False),
        ([f'iifname "lan0" ip6 saddr {PREFIX} accept', "fib saddr . iif oif missing drop"], False),
    ],
)
def test_reverse_path_filter(rules: list[str], filters: bool) -> None:
    """Mistake: a strict reverse path filter on a LAN drops the packets of each host that has no host route yet."""
    mistake = f"{UNROUTED} on lan0: `{rules[-1].replace(' counter packets 0 bytes 0', '')}`"

    assert base("prerouting", *rules, policy="accept") == (
        mistake.replace(' log prefix "rpf: "', "") if filters else ""
    )
