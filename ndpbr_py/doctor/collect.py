"""ip(8), nft(8), ip6tables(8) and the kernel -> all facts.

Each that is missing, or refuses, leaves unknown what it would have said.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.control import rules
from ndpbr_py.control.client import ask
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.state import Rules
from ndpbr_py.doctor import ip6tables, nft
from ndpbr_py.doctor.facts import Facts
from ndpbr_py.doctor.firewall import Chain
from ndpbr_py.doctor.machine_checks import tagged
from ndpbr_py.doctor.procfs import ProcFs
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump, process, program

_PATH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def collect(names: tuple[str, ...], protocol: int | None, state_dir: Path) -> Facts:
    """Return all facts about *names*; without any, about the interfaces that ndpbr works on, or could.

    The protocol number, if it is not told, is that of the daemon that runs.
    """
    machine = ProcFs()
    theirs, tag = rules_of(machine, ask(state_dir, what="state"))
    protocol = tag if protocol is None else protocol
    tables: KernelSnapshot | None = None
    version, problem = None, None
    try:
        ip = program.find()
        version = ip.version
        tables = dump.read_now(ip, (), protocol, dump.WITHOUT_NEIGHBORS)
    except NdpbrError as error:
        problem = str(error)
    devs = names or theirs.interfaces or interfaces(machine, tables)
    facts = machine.facts(devs, tables, protocol, state_dir)
    chains, firewall_problem = _firewall()
    facts = replace(facts, ip=version, ip_problem=problem, chains=chains, firewall_problem=firewall_problem)
    return replace(facts, prefixes=theirs.prefixes)


def interfaces(machine: ProcFs, tables: KernelSnapshot | None) -> tuple[str, ...]:
    """Return the interfaces of the daemon that runs; or of the one that ran; or all on which one could."""
    # Anybody may make a socket with such a name.
    held = [name for name in _held(machine, "interface ") if config.is_interface_name(name)]
    left = {entry.dev for entry in tagged(tables)}
    if held or len(left) > 1:
        return tuple(sorted(held or left))
    return tuple(
        link.name
        for link in machine.links()
        if link.up
        and not (link.noarp or link.loopback or link.port_of or link.disabled)
        and config.is_interface_name(link.name)
    )


def rules_of(machine: ProcFs, daemon: Mapping[str, Any] | None) -> tuple[Rules, int]:
    """Return the rules, and the protocol number, of the daemon that runs; it may be one that does not answer us."""
    theirs, protocol = rules.parse_rules(daemon)
    held = [int(number) for number in _held(machine, "protocol ") if re.fullmatch("[0-9]{1,3}", number)]
    return theirs, held[0] if daemon is None and len(held) == 1 else protocol


def _held(machine: ProcFs, kind: str) -> list[str]:
    return [name.removeprefix(kind) for name in machine.locks() if name.startswith(kind)]


def _firewall() -> tuple[tuple[Chain, ...] | None, str | None]:
    """Return the chains; or None, and why they are not known."""
    chains: list[Chain] = []
    lister, older = shutil.which("nft", path=_PATH), shutil.which("ip6tables", path=_PATH)
    if lister is None and older is None:
        return None, "neither nft nor ip6tables is there"
    try:
        if lister is not None:
            chains = nft.chains(_said(lister, "-j", "list", "ruleset"))
        # What ip6tables lists nft lists, too, but not so that its matches can be read.
        if older is not None and (lister is None or _legacy() or any(chain.table == "ip6 filter" for chain in chains)):
            chains = [chain for chain in chains if chain.table != "ip6 filter"]
            chains += ip6tables.chains(_said(older, "-S").decode(errors="replace"))
    except (NdpbrError, ValueError, KeyError) as error:
        return None, str(error)
    return tuple(chains), None


def _legacy() -> bool:
    """Whether the tables of before nftables are in use."""
    try:
        return "filter" in Path("/proc/net/ip6_tables_names").read_text()
    except OSError:
        return False


def _said(path: str, *words: str) -> bytes:
    ended = process.output(path, *words)
    if ended.status != 0:
        complaint = ended.complaint.splitlines()
        raise NdpbrError(f"{os.path.basename(path)} says `{complaint[0] if complaint else ended.status}`")
    return ended.stdout
