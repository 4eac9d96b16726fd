"""The rules that the daemon follows <-> the part of its answers that tells them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import IPv6Network
from typing import Any

from ndpbr_py import config
from ndpbr_py.core.state import Rules


def told(rules: Rules, protocol: int) -> dict[str, object]:
    """Return what the daemon tells of *rules*, in the words of the options."""
    return {
        "prefixes": sorted(map(str, rules.prefixes)),
        "statics": sorted(f"{address}%{dev}" for address, dev in rules.statics.items()),
        "max_hosts": rules.max_hosts,
        "max_hosts_per_lladdr": rules.max_hosts_per_lladdr,
        "protocol": protocol,
    }


def heard(daemon: Mapping[str, Any] | None) -> tuple[Rules, int]:
    """Return the rules, and the protocol number, of the daemon that answered; those of `run` where none did."""
    if daemon is None:
        return Rules(()), config.PROTOCOL
    interfaces = tuple(daemon["interfaces"])
    said = daemon.get("rules")
    if said is None:  # a daemon of before an upgrade
        return Rules(interfaces), config.PROTOCOL
    rules = Rules(
        interfaces,
        config.prefixes(said["prefixes"]),
        max_hosts=int(said["max_hosts"]),
        max_hosts_per_lladdr=int(said["max_hosts_per_lladdr"]),
        statics=config.statics(said["statics"], interfaces),
    )
    return rules, int(said["protocol"])


def narrowed(theirs: Rules, interfaces: tuple[str, ...], prefixes: frozenset[IPv6Network]) -> Rules:
    """Return the daemon's rules with the interfaces, and the prefixes if any, that are asked about in their place."""
    statics = {address: dev for address, dev in theirs.statics.items() if dev in interfaces}
    return replace(theirs, interfaces=interfaces, prefixes=prefixes or theirs.prefixes, statics=statics)
