"""A lookup that a client requested -> the answer, as soon as the kernel has decided on every link."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from ipaddress import IPv6Address

from ndpbr_py.core import requested
from ndpbr_py.core.events import LookupRequested, NeighborChanged, NudState
from ndpbr_py.core.proxy import NdProxy

# The kernel gives up after 3 s; a known host is then looked up once more, and an old neighbor entry waits 5 s.
_TIMEOUT_S = 9.0


@dataclass(slots=True)
class _Waiting:
    """A lookup that is under way: the links that have not decided yet, and what becomes the answer."""

    devs: set[str]
    answer: asyncio.Future[NeighborChanged | None] = field(default_factory=asyncio.Future)


class RequestedLookups:
    """The lookups of clients; *put* starts one."""

    def __init__(self, proxy: NdProxy, put: Callable[[LookupRequested], None]) -> None:
        self._proxy = proxy
        self._put = put
        self._waiting: dict[IPv6Address, _Waiting] = {}

    async def answer(self, address: IPv6Address) -> dict[str, object]:
        """Look *address* up, unless a lookup of it is under way; return what the kernel has decided."""
        result: dict[str, object] = {
            "lookup_on": [],
            "obstacle": None,
            "limited": False,
            "answered_on": None,
            "answered_by": None,
        }
        devs = [probe.dev for probe in requested.probes(self._proxy, address)]
        if not devs:
            obstacle = requested.obstacle(self._proxy, address)
            return result | {"obstacle": obstacle.value if obstacle is not None else "no-link"}
        result["lookup_on"] = devs
        if (waiting := self._waiting.get(address)) is None:
            waiting, sent = _Waiting(set(devs)), self._proxy.lookups.sent
            self._waiting[address] = waiting
            self._put(LookupRequested(address))
            if self._proxy.lookups.sent == sent:
                del self._waiting[address]
                return result | {"limited": True}
        try:
            async with asyncio.timeout(_TIMEOUT_S):
                found = await asyncio.shield(waiting.answer)
        except TimeoutError:
            found = None
        self._waiting.pop(address, None)
        return result if found is None else result | {"answered_on": found.dev, "answered_by": found.lladdr}

    def on_neighbor(self, event: NeighborChanged) -> None:
        """Note what the kernel has decided; the proxy has handled *event* already."""
        waiting = self._waiting.get(event.address) if self._waiting else None  # hashing an address is slow
        if waiting is None or waiting.answer.done():
            return
        if event.state is NudState.REACHABLE:
            waiting.answer.set_result(event)
        elif event.state is NudState.FAILED:
            host = self._proxy.hosts.get(event.address)
            if host is None or host.dev != event.dev or not host.state.probe_pending:  # else it is probed once more
                waiting.devs.discard(event.dev)
            if not waiting.devs:
                waiting.answer.set_result(None)
