"""Host discovery: what it takes from a snapshot, and what it must not keep of it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from ndpbr_py.config import LogConfig, RunConfig
from ndpbr_py.core.events import CandidatesFound
from ndpbr_py.daemon.discovery import Discovery
from ndpbr_py.logs.logger import Log
from tests.builders import INTERFACES, LLADDR, Records, addr, changed, kernel, nd_proxy


def test_addresses_that_a_next_hop_probably_has_are_looked_up_once(tmp_path: Path) -> None:
    """PREFIX::1, and the EUI-64 address of its lladdr; the snapshot, with all its hosts, does not stay in memory."""
    seen = kernel(changed("fe80::1", "wan0", lladdr=LLADDR), changed(), next_hops={"fe80::1": "wan0"}, up=())
    found: list[CandidatesFound] = []

    async def main() -> None:
        log = Log(LogConfig("logfmt", syslog=True), Records())
        discovery = Discovery(RunConfig(INTERFACES, state_dir=tmp_path), nd_proxy(), found.append, log)
        discovery.start()
        references = sys.getrefcount(seen)
        discovery.on_snapshot(seen)
        discovery.on_snapshot(seen)
        assert sys.getrefcount(seen) == references

    asyncio.run(main())

    assert [{address for address, _ in candidates.hosts} for candidates in found if candidates.next_hop] == [
        {addr("2001:db8::1"), addr("2001:db8::ff:fe00:33")}
    ]
