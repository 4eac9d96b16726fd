"""ip(8), nft(8) and the kernel -> all facts.

A program that is missing or fails leaves its facts unknown.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.control import rules as control_rules
from ndpbr_py.control.client import ask
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import nft, paths
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.doctor.service import service
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump, process, program
from ndpbr_py.system.clock import span

_SEARCH_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def collect(names: tuple[str, ...], protocol: int | None, state_dir: Path) -> Facts:
    """Return all facts about the interfaces *names*; without, about those that interfaces() returns.

    Without *protocol*, the number is that of the running daemon.
    """
    procfs = ProcFs()
    answer = ask(state_dir, request="state")
    rules, tag = rules_of(procfs, answer)
    protocol = tag if protocol is None else protocol
    tables: KernelSnapshot | None = None
    version, problem, policy_rules = None, None, None
    try:
        ip = program.find()
        version = ip.version
        tables = dump.snapshot_now(ip, (), protocol, dump.WITHOUT_NEIGHBORS)
        if not tables.default_devs:  # a router in the neighbor cache may be the gateway
            links = [link.name for link in procfs.links()]
            tables = replace(tables, neighbors=dump.snapshot_now(ip, links, protocol, ("neighbor",)).neighbors)
        policy_rules = paths.rules(ip)
    except NdpbrError as error:
        problem = str(error)
    chains, firewall_problem = _firewall()
    installed = service()
    return replace(
        procfs.facts(names or rules.interfaces or interfaces(procfs, tables), tables, protocol, state_dir),
        policy_rules=policy_rules,
        ip=version,
        ip_problem=problem,
        become_root=become_root(),
        daemon=_daemon(answer),
        rules=rules,
        hosts=None if answer is None else answer["counters"]["hosts"],
        most_addresses=_most_addresses(answer),
        start=installed.start,
        expected=state_dir.exists() or config.HOSTS_FILE.exists() or installed.enabled,
        chains=chains,
        firewall_problem=firewall_problem,
    )


def interfaces(procfs: ProcFs, tables: KernelSnapshot | None) -> tuple[str, ...]:
    """Return the interfaces of the running daemon, else those with its leftovers, else all that it could list."""
    held = _held(procfs, "interface ")
    tagged_devs = {entry.dev for entry in (tables.tagged if tables else ()) if entry.dev is not None}
    if held or len(tagged_devs) > 1:
        return tuple(sorted(held or tagged_devs))
    return tuple(
        link.name
        for link in procfs.links()
        if link.up
        and not (link.noarp or link.loopback or link.port_of or link.disabled)
        and config.is_interface_name(link.name)
    )


def rules_of(procfs: ProcFs, daemon: Mapping[str, Any] | None) -> tuple[Rules, int]:
    """Return the rules and the protocol number that the running daemon answers; without an answer, from its locks."""
    rules, protocol = control_rules.parse_rules(daemon)
    held = list(map(int, _held(procfs, "protocol ")))
    return rules, held[0] if daemon is None and len(held) == 1 else protocol


def _daemon(answer: Mapping[str, Any] | None) -> str | None:
    """Return the version, pid, uptime and number of hosts in the daemon's *answer*."""
    if answer is None:
        return None
    hosts = answer["counters"]["hosts"]
    return f"{answer['version']}, pid {answer.get('pid')}, up {span(answer['uptime_s'])}, {hosts} hosts"


def _most_addresses(answer: Mapping[str, Any] | None) -> tuple[int, str, str]:
    most = answer.get("most_addresses") if answer is not None else None
    return (most["addresses"], most["lladdr"], most["dev"]) if most else (0, "", "")  # an older daemon has none


def _held(procfs: ProcFs, kind: str) -> list[str]:
    return [name.removeprefix(kind) for name in procfs.locks() if name.startswith(kind)]


def become_root() -> str | None:
    """Return the program that runs another as root: sudo, or Alpine's doas; None if this is root."""
    return None if os.geteuid() == 0 else next(filter(shutil.which, ("sudo", "doas")), None)


def _firewall() -> tuple[tuple[nft.Chain, ...] | None, str | None]:
    """Return the filter chains; or None, and why they are not known."""
    if _legacy():
        return None, "ip6tables-legacy has rules, which doctor does not read"
    text, problem = ruleset()
    return (None, problem) if text is None else (nft.parse(text), None)


def ruleset() -> tuple[str | None, str | None]:
    """Return what nft(8) lists; or None, and why that is not known."""
    path = shutil.which("nft", path=_SEARCH_PATH)
    if path is None:
        return None, "nft is not installed"
    try:
        ended = process.output(path, "list", "ruleset")
    except NdpbrError as error:
        return None, str(error)
    if ended.status != 0:
        return None, f"nft says `{ended.complaint.partition(chr(10))[0] or ended.status}`"
    return ended.stdout.decode(errors="replace"), None


def _legacy() -> bool:
    """Return whether the kernel has tables of ip6tables-legacy."""
    try:
        return Path("/proc/net/ip6_tables_names").read_text() != ""
    except OSError:
        return False
