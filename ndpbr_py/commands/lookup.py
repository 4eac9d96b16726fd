"""ndpbr lookup: an address, or the addresses of a host -> which host answers, as the running daemon finds out.

Exit status: 0 a host answers for each address, 1 none does, 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
import time
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

from ndpbr_py import config
from ndpbr_py.commands.host_word import addresses, keys_of
from ndpbr_py.control.client import ask
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Reason
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.doctor.explain_text import OBJECTIONS
from ndpbr_py.doctor.service import service
from ndpbr_py.errors import NdpbrError
from ndpbr_py.names import Names
from ndpbr_py.system.interfaces import interface_names
from ndpbr_py.system.lock import daemon_runs

_RETRY_DELAY_S = 1.0
_OBSTACLES = {reason.value: sentence for reason, (sentence, _) in OBJECTIONS.items()} | {
    Reason.STATIC.value: "it is a static host, which is never probed",
    Reason.ROUTED.value: "it is a host by another program's /128 route, and never probed",
    Reason.PERMANENT.value: "its neighbor entry is permanent, so it is never probed",
    "no-link": "no link is up where it may be, or ip(8) is older than 5.16",
}


def main(arguments: argparse.Namespace) -> int:
    """Look up an address, or all addresses of a host."""
    keys, kernel = keys_of(arguments.address, Names(arguments.names)), KernelSnapshot()
    if any(isinstance(key, str) for key in keys):
        from ndpbr_py.iproute2 import dump, program  # here only: the lookup of an address need not wait for sh

        devs = interface_names()
        kernel = dump.snapshot_now(program.find(), devs, config.PROTOCOL, ("neighbor",))
    found, silent = addresses(arguments.address, keys, kernel), 0
    for address in found:
        started = time.monotonic()
        lookup = _answer(address, arguments.state_dir)
        heading = f"{text(address)}: " if len(found) > 1 else ""
        print(heading + line(lookup, time.monotonic() - started), flush=True)
        silent += lookup["answered_on"] is None
    return int(silent > 0)


def _answer(address: IPv6Address, state_dir: Path) -> dict[str, Any]:
    """Return the daemon's answer about *address*, as soon as the limits of lookups allow one."""
    waited = False
    while True:
        answer = ask(state_dir, request="lookup", address=text(address))
        if answer is None:
            raise NdpbrError(_no_answer())
        lookup: dict[str, Any] = answer["lookup"]
        if not lookup["limited"]:
            return lookup
        if not waited:
            print("waiting: too many lookups just now", file=sys.stderr)
            waited = True
        time.sleep(_RETRY_DELAY_S)


def _no_answer() -> str:
    """Return why no daemon has answered, and what to do."""
    if daemon_runs():
        return "the daemon does not answer: asking it requires root and its --state-dir"
    return f"ndpbr is not running; start it first: {service().start or 'ndpbr run IFACE IFACE...'}"


def line(lookup: dict[str, Any], elapsed_s: float) -> str:
    """Return the result of a lookup as one sentence."""
    if lookup["obstacle"] is not None:
        return f"no: not looked up: {_OBSTACLES.get(lookup['obstacle'], lookup['obstacle'])}"
    elapsed = f"{elapsed_s * 1000:.0f} ms" if elapsed_s < 1 else f"{elapsed_s:.1f} s"
    if lookup["answered_on"] is None:
        return f"no: no answer on {', '.join(lookup['lookup_on'])} within {elapsed}"
    return f"yes: {lookup['answered_by']} answered on {lookup['answered_on']} after {elapsed}"
