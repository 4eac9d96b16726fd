"""`ip -6 ... show` -> KernelSnapshot: links, addresses, routes, proxy entries and the neighbor cache as they are.

Lines are parsed as they arrive, so a host's first packet does not wait for a large table.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Sequence

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2.process import start
from ndpbr_py.iproute2.program import Program
from ndpbr_py.iproute2.tables import KINDS, Tables

WITHOUT_NEIGHBORS = KINDS[:-1]  # the neighbor cache may be large
_CHUNK_BYTES = 1 << 16
_TIMEOUT_S = 10.0  # of one dump


async def snapshot(
    program: Program, interfaces: Collection[str], protocol: int, kinds: Sequence[str] = KINDS
) -> KernelSnapshot:
    """Return the kernel's tables, as far as they concern *interfaces*; *protocol* is the tag of our entries.

    One process of ip(8) runs for each of *kinds*; other tables are empty.

    Raises:
        NdpbrError: A dump failed.
    """
    tables = Tables(interfaces, protocol)
    await dump(program, tables.line_parser, kinds)
    result = tables.snapshot()
    if "link" in kinds and not result.names:
        raise NdpbrError("`ip -6 -o link show` printed no interface")  # each network namespace has `lo`
    return result


def snapshot_now(
    program: Program, interfaces: Collection[str], protocol: int, kinds: Sequence[str] = KINDS
) -> KernelSnapshot:
    """Return what `snapshot()` returns; for callers outside a loop."""
    result: list[KernelSnapshot] = []

    async def main() -> None:
        result.append(await snapshot(program, interfaces, protocol, kinds))

    # main() returns nothing: asyncio.run() formats the result twice, which takes half a second for 10,000 hosts.
    asyncio.run(main())
    return result[0]


async def dump(
    program: Program, line_parser: Callable[[str], Callable[[str], None]], kinds: Sequence[str] = KINDS
) -> None:
    """Call `line_parser(kind)(line)` for each line that ip(8) prints about the tables of *kinds*.

    Raises:
        NdpbrError: A dump failed.
    """
    numeric = ("-N",) if program.has_numeric else ()
    arguments = {
        "link": ("-o", "link", "show"),
        "address": ("-o", "address", "show"),
        "route": (*numeric, "route", "show"),
        "proxy": (*numeric, "neigh", "show", "proxy"),
        "neighbor": ("neigh", "show"),
    }
    for kind in kinds:
        await _dump(program.path, line_parser(kind), *arguments[kind])


async def _dump(path: str, parse: Callable[[str], None], *arguments: str) -> None:
    """Run `ip -6 ARGUMENTS`, and call *parse* for each line that it prints."""
    child = start(path, "-6", "-color=never", *arguments, stdout=True)
    command = f"`ip -6 {' '.join(arguments)}`"
    loop = asyncio.get_running_loop()
    ended = loop.create_future()
    stdout, partial_line = child.fd("stdout"), b""

    def on_readable() -> None:
        nonlocal partial_line
        chunk = os.read(stdout, _CHUNK_BYTES)
        if not chunk:
            loop.remove_reader(stdout)
            if not ended.done():  # cancelled in the same round of the loop
                ended.set_result(None)
            return
        whole, newline, rest = chunk.rpartition(b"\n")
        if not newline:
            partial_line += rest
            return
        text, partial_line = partial_line + whole, rest
        for line in text.decode(errors="surrogateescape").split("\n"):
            parse(line)

    loop.add_reader(stdout, on_readable)
    try:
        # Not wait_for(): up to Python 3.11 it swallows a cancellation that arrives just as the dump ends.
        async with asyncio.timeout(_TIMEOUT_S):
            await ended
        if (status := child.wait()) != 0:
            error = os.read(child.fd("stderr"), _CHUNK_BYTES).decode(errors="replace").strip()
            raise NdpbrError(f"{command} ended with status {status}: {error}")
    except TimeoutError as error:
        raise NdpbrError(f"{command} did not answer within {_TIMEOUT_S:g} s") from error
    finally:
        loop.remove_reader(stdout)
        child.signal(signal.SIGKILL)
        child.wait()
        child.close()
