"""ndpbr explain: an address -> whether and why it is proxied, and the facts, as text or as a JSON object.

Exit status: 0 proxied, 1 not proxied, 2 bad usage.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ndpbr_py.commands.host_word import addresses, keys_of
from ndpbr_py.control.client import ask
from ndpbr_py.control.rules import narrowed
from ndpbr_py.core.address import text
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.doctor import paths
from ndpbr_py.doctor.collect import interfaces, rules_of
from ndpbr_py.doctor.explain import Explanation, explained
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.doctor.service import service
from ndpbr_py.errors import ConfigError
from ndpbr_py.iproute2 import dump, program
from ndpbr_py.names import Names
from ndpbr_py.system.lock import daemon_runs
from ndpbr_py.system.terminal import first_word_painted, has_color

_MAX_EVENTS = 10  # in text; JSON has them all


def main(arguments: argparse.Namespace) -> int:
    """Explain an address, or all addresses of a host."""
    names = Names(arguments.names)
    keys = keys_of(arguments.address, names)
    ip, procfs = program.find(), ProcFs()
    daemon = ask(arguments.state_dir, request="state")
    rules, tag = rules_of(procfs, daemon)
    protocol = tag if arguments.protocol is None else arguments.protocol
    devs = arguments.interfaces or rules.interfaces
    if not devs:
        devs = interfaces(procfs, dump.snapshot_now(ip, (), protocol, dump.WITHOUT_NEIGHBORS))
    if len(devs) < 2:
        raise ConfigError(f"expected two or more interfaces that are up, got {len(devs)}; name them with --interfaces")
    kernel = dump.snapshot_now(ip, devs, protocol)
    running = daemon is not None or daemon_runs(protocol)
    rules = narrowed(rules, devs, frozenset(arguments.prefixes))
    policy, start = paths.rules(ip) or (), service().start
    found = addresses(arguments.address, keys, kernel)
    color, proxied = has_color(arguments.color, sys.stdout), True
    for address in found:
        explanation = explained(
            address,
            rules,
            kernel,
            running=running,
            start=start,
            paths=paths.paths(ip, address, sorted(kernel.up), kernel),
            policy=policy,
            of_sources=paths.of_sources(ip, address),
        )
        explanation = _named(explanation, kernel, names)
        about = ask(arguments.state_dir, request="address", address=text(address)) if daemon is not None else None
        proxied &= explanation.reason is None
        if arguments.json:
            print(json.dumps({**_fields(explanation), "interfaces": list(devs), "daemon": about}, indent=1))
            continue
        answer, *rest = lines(explanation, about, running=running)
        heading = [f"{text(address)}:"] if len(found) > 1 else []
        print("\n".join([*heading, first_word_painted(answer, color=color), *rest]))
    return int(not proxied)


def _named(explanation: Explanation, kernel: KernelSnapshot, names: Names) -> Explanation:
    """Return the explanation with the name of the host among its facts, if it has one."""
    address = explanation.address
    lladdr = next((it.lladdr for it in kernel.neighbors if it.address == address and it.lladdr is not None), None)
    name = names.of(address, lladdr)
    return explanation if name is None else replace(explanation, facts=[("name", name), *explanation.facts])


def lines(explanation: Explanation, daemon: Mapping[str, Any] | None, *, running: bool) -> Iterator[str]:
    """Yield whether and why the address is proxied, then one line per fact, then the daemon's view."""
    if explanation.reason is not None:
        yield f"no: {explanation.reason}"
    else:
        stopped = None if running else "ndpbr is not running, and its entries are left over"
        but = stopped or explanation.but or _silence(daemon)
        yield f"yes{f', but {but}' if but else ''}: proxied on {', '.join(explanation.proxied_on)}"
    if explanation.advice is not None:
        yield f"advice: {explanation.advice}"
    for name, value in explanation.facts:
        yield f"{name}: {value}"
    if daemon is not None:
        yield from _daemon_lines(daemon)
    else:
        yield f"daemon: {'running; asking it requires root and its --state-dir' if running else 'not running'}"


def _silence(daemon: Mapping[str, Any] | None) -> str | None:
    """Return for how long the host has not answered, if it did not answer the last time."""
    host = daemon and daemon["host"]
    if host and host["lladdr"] is None and not host.get("routed"):
        return "it has never been seen"
    return f"it has not answered for {host['last_seen_s']:.0f} s" if host and host["rechecking"] else None


def _daemon_lines(daemon: Mapping[str, Any]) -> Iterator[str]:
    """Yield the daemon's view of the host, and its last events."""
    host = daemon["host"]
    if host is None:
        yield "daemon: no such host"
    else:
        verified = "verified" if host["verified"] else "not verified yet"
        never = "by its /128 route" if host.get("routed") else "never seen"
        seen = never if host["lladdr"] is None else f"{verified}, last seen {host['last_seen_s']:g} s ago"
        yield f"daemon: a host on {host['dev']}, {seen}"
    for event in daemon["events"][-_MAX_EVENTS:]:
        fields = {key: value for key, value in event.items() if key not in ("ts", "event", "ago_s")}
        rest = " ".join(f"{key}={','.join(v) if isinstance(v, list) else v}" for key, v in fields.items())
        yield f"event: {event['ts']} ({event['ago_s']:g} s ago) {event['event']} {rest}"


def _fields(explanation: Explanation) -> dict[str, object]:
    return {
        "address": text(explanation.address),
        "name": next((value for name, value in explanation.facts if name == "name"), None),
        "proxied_on": list(explanation.proxied_on),
        "reason": explanation.reason,
        "advice": explanation.advice,
        "facts": [{"name": name, "value": value} for name, value in explanation.facts],
    }
