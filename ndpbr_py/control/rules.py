"""The daemon's rules <-> their fields in its answers on the control socket."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from ipaddress import IPv6Network
from typing import Any

from ndpbr_py import config
from ndpbr_py.core.state import Rules


def rules_fields(rules: Rules, protocol: int) -> dict[str, object]:
    """Return the fields of *rules*: options of `run`, as one would type them."""
    return {
        "prefixes": sorted(map(str, rules.prefixes)),
        "statics": sorted(f"{address}%{dev}" for address, dev in rules.statics.items()),
        "upstreams": sorted(rules.upstreams),
        "answer_as_target": sorted(rules.answer_as_target),
        "max_hosts": rules.max_hosts,
        "max_hosts_per_lladdr": rules.max_hosts_per_lladdr,
        "protocol": protocol,
    }


def parse_rules(daemon: Mapping[str, Any] | None) -> tuple[Rules, int]:
    """Return the rules and the protocol number in the daemon's answer; the defaults of `run` if no daemon answered."""
    if daemon is None:
        return Rules(()), config.PROTOCOL
    interfaces = tuple(daemon["interfaces"])
    fields = daemon.get("rules")
    if fields is None:  # an older daemon, still running after an upgrade
        return Rules(interfaces), config.PROTOCOL
    rules = Rules(
        interfaces,
        frozenset(map(config.prefix, fields["prefixes"])),
        max_hosts=int(fields["max_hosts"]),
        max_hosts_per_lladdr=int(fields["max_hosts_per_lladdr"]),
        statics=dict(map(config.static_host, fields["statics"])),
        upstreams=frozenset(fields.get("upstreams", ())),  # an older daemon has none
        answer_as_target=frozenset(fields.get("answer_as_target", ())),
    )
    return rules, int(fields["protocol"])


def narrowed(rules: Rules, interfaces: Collection[str], prefixes: frozenset[IPv6Network]) -> Rules:
    """Return the daemon's rules with other interfaces and, unless *prefixes* is empty, other prefixes."""
    statics = {address: dev for address, dev in rules.statics.items() if dev in interfaces}
    return replace(rules, interfaces=interfaces, prefixes=prefixes or rules.prefixes, statics=statics)
