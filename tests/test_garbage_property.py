"""Mutated and random input -> no exception from any reader of text, packets or files that come from outside.

The seeds are what real versions of ip(8) printed.  Readers of noise alone are tested in the tests of their modules.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Callable, Mapping
from ipaddress import IPv6Address
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ndpbr_py.control import NAME
from ndpbr_py.control.server import Control
from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelNeighbor, DelProxy, DelRoute, Probe, RejoinGroup
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import BatchScript
from ndpbr_py.iproute2.tables import KINDS, Tables
from ndpbr_py.packets.solicitation import solicitation
from ndpbr_py.recording import timestamps
from ndpbr_py.recording.format import Recording, comment
from ndpbr_py.system.sysctl import SysctlOverrides
from tests.builders import FIXTURES
from tests.effort import examples
from tests.frames import frame

DEVS = ("wan0", "lan0", "v0")
LINES = sorted({line for file in FIXTURES.glob("captures/*.txt") for line in file.read_text().splitlines()})
STDERR = (FIXTURES / "captures/batch-stderr-6.1.0.txt").read_text().splitlines()[1:]
# Where readers of text fail: words of the grammar, numbers at their limits, bytes that are no text.
WORDS = (
    *("dev", "lladdr", "proxy", "proto", "via", "metric", "default", "used", "probes", "FAILED", "STALE", "Deleted"),
    *("[NEIGH]", "[LINK]", "[ADDR]", "[nsid 0]", "inet6", "miss", "@0", '"@', "<UP>", "::", "::1/129", "/", ":", ""),
    *("2001:db8::1%lan0", "1.2.3.4", "0" * 40, "fe80::" + ":1" * 9, "ff02::1", "\0", "\udcff", "\u0661", "\u2028"),
    *("0", "-1", "128", "129", "65536", "4294967296", "9" * 20, "9" * 5000, "1e9"),
)
NOISE = st.text(max_size=200) | st.binary(max_size=200).map(lambda octets: octets.decode(errors="surrogateescape"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def mutated(draw: st.DrawFn, lines: list[str] = LINES) -> str:
    """Return a line that ip(8) printed, with up to three changes."""
    text = draw(st.sampled_from(lines))
    for _ in range(draw(st.integers(0, 3))):
        words = re.split(r"( +)", text)
        match draw(st.sampled_from(("replace a word", "remove a word", "repeat a word", "cut", "join"))):
            case "replace a word":
                words[draw(st.integers(0, len(words) - 1))] = draw(st.sampled_from(WORDS))
                text = "".join(words)
            case "remove a word":
                del words[draw(st.integers(0, len(words) - 1))]
                text = "".join(words)
            case "repeat a word":
                text = f"{text} {draw(st.sampled_from(words))}"
            case "cut":
                text = text[: draw(st.integers(0, len(text)))]
            case "join":
                other = draw(st.sampled_from(lines))
                text = text[: draw(st.integers(0, len(text)))] + other[draw(st.integers(0, len(other))) :]
    return text


TEXT = mutated() | NOISE


@settings(max_examples=examples(300))
@given(TEXT)
def test_monitor_line_never_raises(line: str) -> None:
    """Whatever the monitor prints, it is an event, or nothing, or a rejected line."""
    for devs in (None, frozenset(DEVS)):
        event = parser.event(line) if devs is None else parser.event(line, devs)
        assert event is None or isinstance(event, parser.LineEvent)
    timestamps.seconds(line)


@settings(max_examples=examples(300))
@given(st.lists(TEXT, max_size=3))
def test_dump_never_raises(lines: list[str]) -> None:
    """Whatever a dump prints, for whichever table, it makes a snapshot."""
    tables = Tables(DEVS, 135)
    for parse in (tables.link, tables.address, tables.route, tables.proxy, tables.neighbor):
        for line in lines:
            parse(line)

    assert isinstance(tables.snapshot(), KernelSnapshot)


def _rejoin(address: IPv6Address, dev: str) -> RejoinGroup:
    return RejoinGroup((address, address + 1), dev)


KINDS_OF_ACTION: tuple[Callable[[IPv6Address, str], Action], ...] = (
    AddRoute,
    AddProxy,
    DelNeighbor,
    DelProxy,
    DelRoute,
    _rejoin,
)


@settings(max_examples=examples(300))
@given(
    step=st.sampled_from((1, 2, 16)),
    parts=st.lists(st.lists(st.sampled_from(KINDS_OF_ACTION), max_size=12), max_size=3),
    stderr=st.lists(st.sampled_from(STDERR) | mutated(STDERR) | NOISE, max_size=12),
)
def test_batch_stderr_gives_each_action_at_most_one_outcome(
    step: int, parts: list[list[Callable[[IPv6Address, str], Action]]], stderr: list[str]
) -> None:
    """Whatever a batch writes to standard error, an action is refused, undone, or done."""
    script = BatchScript(Commands(135), step)
    for kinds in parts:
        actions = [kind(IPv6Address(number), "lan0") for number, kind in enumerate(kinds)]
        script.add([*actions, Probe(IPv6Address(1), "lan0", None)])

    outcome = script.outcome("\n".join(stderr).encode(errors="surrogatepass"))

    assert len(outcome.refused) + len(outcome.undone) <= len(script.actions)


@settings(max_examples=examples(300))
@given(
    source=st.sampled_from(("::", "fe80::1", "2001:db8::99")),
    options=st.binary(max_size=64),
    changes=st.lists(st.tuples(st.integers(0, 63), st.integers(0, 255)), max_size=3),
    length=st.none() | st.integers(0, 128),
)
def test_changed_packet_is_a_valid_solicitation_or_none(
    source: str, options: bytes, changes: list[tuple[int, int]], length: int | None
) -> None:
    """A packet with changed octets, or cut, is discarded unless it still passes RFC 4861, 7.1.1."""
    packet = bytearray(frame(source, options=options))
    for place, octet in changes:
        packet[place] = octet

    received = solicitation(bytes(packet[:length]), "lan0", None)

    assert received is None or (not received.target.is_multicast and packet[7] == 255)


async def answered(folder: Path, request: bytes) -> bytes:
    """Return what the control socket answers to *request*."""

    async def keys(request: Mapping[str, Any]) -> Mapping[str, object]:
        return {"keys": sorted(request)}

    server = Control(folder, keys)
    await server.start()
    try:
        reader, writer = await asyncio.open_unix_connection(str(folder / NAME))
        writer.write(request)
        answer = await reader.read()
        writer.close()
        return answer
    finally:
        server.stop()


@settings(max_examples=examples(50))
@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_request_on_the_control_socket_gets_an_object(request: bytes) -> None:
    """Whatever a client sends, the answer is one line with one JSON object."""
    with TemporaryDirectory() as folder:
        answer = asyncio.run(answered(Path(folder), request + b"\n"))

    assert answer.endswith(b"\n")
    assert isinstance(json.loads(answer), dict)


@pytest.fixture(scope="module")
def boot() -> str:
    """Return the boot and network namespace that the settings file names."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot_id} {os.stat('/proc/self/ns/net').st_ino}"


SETTING = st.sampled_from(("conf/{}/proxy_ndp", "neigh/{}/proxy_delay", "conf/a\0b/proxy_ndp"))
SETTINGS = st.dictionaries(SETTING | st.text(max_size=20), st.sampled_from(("0", "1")) | JSON, max_size=3)


@given(original=JSON | st.dictionaries(st.sampled_from(("0", "1", "7", "-1")) | st.text(max_size=5), SETTINGS | JSON))
@example(original={"1": {"conf/{}/proxy_ndp": "\ud800"}})
@example(original={"9" * 5000: {"conf/{}/proxy_ndp": "1"}})
@example(original={"1": {"conf/a\0b/proxy_ndp": "1"}})
def test_settings_file_never_raises(boot: str, original: Any) -> None:
    """Whatever the settings file contains, restoring writes only to settings of ndpbr's."""
    with TemporaryDirectory() as folder:
        proc = Path(folder, "proc")
        for file in ("conf/all/proxy_ndp", "conf/lan0/proxy_ndp"):
            (proc / file).parent.mkdir(parents=True)
            (proc / file).write_text("1\n")
        content = {"version": 1, "kernel": boot, "original": original}
        Path(folder, "settings-135.json").write_text(json.dumps(content))

        SysctlOverrides(Path(folder), 135, proc, lambda: [(1, "lan0")]).restore()

        written = {str(path.relative_to(proc)) for path in proc.rglob("*") if path.is_file()}
        assert written == {"conf/all/proxy_ndp", "conf/lan0/proxy_ndp"} | (written & {"neigh/lan0/proxy_delay"})


HEADER = [comment("ndpbr-recording", "1"), *(comment(kind, "") for kind in KINDS), comment("monitor", "")]


@settings(max_examples=examples(100))
@given(st.lists((st.sampled_from(HEADER) | TEXT).map("{}\n".format) | TEXT, max_size=8))
def test_recording_is_read_or_rejected_with_a_sentence(lines: list[str]) -> None:
    """Whatever a recording holds, it can be read, or the error says what was expected."""
    try:
        recording = Recording([*HEADER[:1], *lines])
        recording.snapshot(DEVS, 135, frozenset())
        for line in recording.monitor_lines():
            parser.event(line)
    except NdpbrError as error:
        assert str(error)
