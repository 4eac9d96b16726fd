"""SECONDS -> as many inputs as fit into them for all that reads ip(8)'s words or packets; exit status 1 for a failure.

Run as ``python -m tests.fuzz [SECONDS [SEED]]``, or ``make fuzz``.  The seeds are what real versions of ip printed.
None of the readers has an exception to raise: for what is no line of ip's the parser has an event.
"""

from __future__ import annotations

import re
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from ipaddress import IPv6Address
from pathlib import Path
from random import Random

from ndpbr_py.core.actions import Action, AddProxy, AddRoute, DelProxy, DelRoute, Probe, RejoinGroup
from ndpbr_py.iproute2 import parser
from ndpbr_py.iproute2.commands import Commands
from ndpbr_py.iproute2.script import BatchScript
from ndpbr_py.iproute2.tables import Tables
from ndpbr_py.packets.solicitation import solicitation
from ndpbr_py.recording import timestamps
from tests.frames import frame

CAPTURES = Path(__file__).parent.parent / "fixtures" / "captures"
DEVS = ("wan0", "lan0", "v0")
# Where readers of text go wrong: signs of the grammar, numbers at their limits, and bytes that are no text.
WORDS = (
    *("dev", "lladdr", "proxy", "proto", "via", "metric", "default", "used", "probes", "FAILED", "STALE", "Deleted"),
    *("[NEIGH]", "[LINK]", "[ADDR]", "[nsid 0]", "inet6", "miss", "@0", '"@', "<UP>", "::", "::1/129", "/", ":", "-1"),
    *(
        "2001:db8::1%lan0",
        "1.2.3.4",
        "0" * 40,
        "9" * 5000,
        "fe80::" + ":1" * 9,
        "ff02::1",
        "\0",
        "\udcff",
        "\u0661",
        "\u2028",
    ),
)

NUMBERS = ("0", "-1", "128", "129", "65536", "4294967296", "9" * 20, "9" * 5000, "\u0661", "1e9", "")


def main(seconds: float = 60.0, seed: int | None = None) -> int:
    """Try inputs for that long; return the exit status."""
    seed = Random().randrange(1 << 32) if seed is None else seed
    random = Random(seed)
    lines = [line for file in sorted(CAPTURES.glob("*.txt")) for line in file.read_text().splitlines()]
    inputs = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for read in READERS:
            text = mutated(random, lines)
            inputs += 1
            try:
                read(text, random)
            except Exception:
                traceback.print_exc()
                print(f"fuzz: {read.__name__} raised, after {inputs} inputs of seed {seed}, for {text!r}")
                return 1
    print(f"{inputs} inputs, no exception (seed {seed})")
    return 0


def mutated(random: Random, lines: Sequence[str]) -> str:
    """Return a line that ip printed, or two, with something changed; now and then nothing but noise."""
    if random.random() < 0.1:
        return bytes(random.randbytes(random.randrange(200))).decode(errors="surrogateescape")
    text = random.choice(lines)
    for _ in range(random.randrange(4)):
        text = random.choice(MUTATIONS)(text, random, lines)
    return text


def _word(text: str, random: Random, lines: Sequence[str]) -> str:
    words = re.split(r"( +)", text)
    words[random.randrange(len(words))] = random.choice(WORDS)
    return "".join(words)


def _cut(text: str, random: Random, lines: Sequence[str]) -> str:
    return text[: random.randrange(len(text) + 1)]


def _removed(text: str, random: Random, lines: Sequence[str]) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start + random.randrange(1, 20) :]


def _doubled(text: str, random: Random, lines: Sequence[str]) -> str:
    start = random.randrange(len(text) + 1)
    return text[:start] + text[start : start + random.randrange(30)] * random.randrange(1, 5) + text[start:]


def _sign(text: str, random: Random, lines: Sequence[str]) -> str:
    at = random.randrange(len(text) + 1)
    return text[:at] + chr(random.choice((random.randrange(128), random.randrange(0xD800)))) + text[at + 1 :]


def _number(text: str, random: Random, lines: Sequence[str]) -> str:
    numbers = list(re.finditer(r"[0-9]+", text))
    if not numbers:
        return text
    start, end = random.choice(numbers).span()
    return text[:start] + random.choice(NUMBERS) + text[end:]


def _crossed(text: str, random: Random, lines: Sequence[str]) -> str:
    other = random.choice(lines)
    return text[: random.randrange(len(text) + 1)] + other[random.randrange(len(other) + 1) :]


MUTATIONS = (_word, _cut, _removed, _doubled, _sign, _number, _crossed)


def monitor_line(text: str, random: Random) -> None:
    """What the monitor prints."""
    parser.event(text)
    parser.event(text, frozenset(DEVS))
    timestamps.seconds(text)


def tables(text: str, random: Random) -> None:
    """What the dumps print."""
    it = Tables(DEVS, 135)
    for take in (it.link, it.address, it.route, it.proxy, it.neighbor):
        take(text)
    it.snapshot()


def batch_stderr(text: str, random: Random) -> None:
    """What a batch says on its standard error, of any actions in any steps: each has one outcome at the most."""
    script = BatchScript(Commands(135), random.choice((1, 2, 16)))
    kinds: tuple[Callable[[IPv6Address, str], Action], ...] = (AddRoute, AddProxy, DelProxy, DelRoute, rejoin)
    for _ in range(random.randrange(4)):
        actions = [random.choice(kinds)(IPv6Address(number), "lan0") for number in range(random.randrange(12))]
        script.add([*actions, Probe(IPv6Address(1), "lan0", None)])
    said = "\n".join(random.choice((text, mutated(random, STDERR), *STDERR)) for _ in range(random.randrange(12)))
    outcome = script.outcome(said.encode(errors="surrogateescape"))
    if len(outcome.refused) + len(outcome.undone) > len(script.actions):
        raise AssertionError("more outcomes than actions")


def rejoin(address: IPv6Address, dev: str) -> RejoinGroup:
    """Return the action with the most lines."""
    return RejoinGroup((address, address + 1), dev)


def packet(text: str, random: Random) -> None:
    """What a packet socket hears: a solicitation, octets of which were changed, or cut off."""
    options = random.randbytes(random.choice((0, 0, 8, 8, 16, random.randrange(64))))
    whole = bytearray(frame(random.choice(("::", "fe80::1", "2001:db8::99")), options=options))
    for _ in range(random.randrange(3)):
        whole[random.randrange(len(whole))] = random.randrange(256)
    heard = solicitation(bytes(whole[: random.choice((None, random.randrange(len(whole))))]), "lan0", None)
    if heard is not None and (heard.target.is_multicast or whole[7] != 255):
        raise AssertionError(f"a false solicitation was heard: {heard}")


READERS = (monitor_line, tables, batch_stderr, packet)
STDERR = tuple((CAPTURES / "batch-stderr-6.1.0.txt").read_text().splitlines()[1:])


if __name__ == "__main__":
    sys.exit(main(float((sys.argv[1:2] or ["60"])[0]), int(sys.argv[2]) if sys.argv[2:] else None))
