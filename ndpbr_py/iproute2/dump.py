"""`ip -6 ... show` -> KernelSnapshot: the neighbor cache, proxy entries, routes, addresses and links as they are.

The dumps are parsed as they arrive, so that a host's first packet does not wait for a large table.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import start
from ndpbr_py.iproute2.program import Program
from ndpbr_py.iproute2.tables import KINDS, Tables

WITHOUT_NEIGHBORS = KINDS[:-1]  # which may be many
_CHUNK = 1 << 16
_PATIENCE = 10.0  # s, for one dump


async def read(
    program: Program, interfaces: Sequence[str], protocol: int, kinds: Sequence[str] = KINDS
) -> KernelSnapshot:
    """Return the kernel's tables, as far as they concern *interfaces*; *protocol* tells which entries are ours.

    Only the tables of *kinds* are read: a process of ip for each.

    Raises:
        NdpbrError: A dump failed.
    """
    tables = Tables(interfaces, protocol)
    await dump(program, tables.taker, kinds)
    return tables.read()


def read_now(
    program: Program, interfaces: Sequence[str], protocol: int, kinds: Sequence[str] = KINDS
) -> KernelSnapshot:
    """Return what `read()` returns, where no loop runs."""
    found: list[KernelSnapshot] = []

    async def story() -> None:
        found.append(await read(program, interfaces, protocol, kinds))

    # Returns nothing: asyncio.run() spells out what it returns, twice, which with 10,000 hosts takes half a second.
    asyncio.run(story())
    return found[0]


async def dump(program: Program, taker: Callable[[str], Callable[[str], None]], kinds: Sequence[str] = KINDS) -> None:
    """Give each line that ip prints about the tables of *kinds* to what *taker* returns for its kind.

    Raises:
        NdpbrError: A dump failed.
    """
    numeric = ("-N",) if program.has_numeric else ()
    words = {
        "link": ("-o", "link", "show"),
        "address": ("-o", "address", "show"),
        "route": (*numeric, "route", "show"),
        "proxy": (*numeric, "neigh", "show", "proxy"),
        "neighbor": ("neigh", "show"),
    }
    for kind in kinds:
        await _dump(program.path, taker(kind), *words[kind])


async def _dump(path: str, take: Callable[[str], None], *words: str) -> None:
    """Run `ip -6 WORDS`, and give each line that it prints to *take*."""
    child = start(path, "-6", "-color=never", *words, stdout=True)
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    stdout, torn = child.fd("stdout"), b""

    def arrived() -> None:
        nonlocal torn
        chunk = os.read(stdout, _CHUNK)
        if not chunk:
            loop.remove_reader(stdout)
            if not ended.done():  # given up just now
                ended.set_result(None)
            return
        whole, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            torn += rest
            return
        text, torn = torn + whole, rest
        for line in text.decode(errors="surrogateescape").split("\n"):
            take(line)

    loop.add_reader(stdout, arrived)
    try:
        # Not wait_for(): up to Python 3.11 it swallows a cancellation that comes just as the dump ends.
        async with asyncio.timeout(_PATIENCE):
            await ended
        if (status := child.wait()) != 0:
            said = os.read(child.fd("stderr"), _CHUNK).decode(errors="replace").strip()
            raise NdpbrError(f"`ip -6 {' '.join(words)}` ended with status {status}: {said}")
    except TimeoutError as error:
        raise NdpbrError(f"`ip -6 {' '.join(words)}` gave no answer within {_PATIENCE:g} s") from error
    finally:
        loop.remove_reader(stdout)
        child.signal(signal.SIGKILL)
        child.wait()
        child.close()
