"""Hosts -> a table grouped by device, as wide as the terminal.

Pure. A terminal that is too narrow shows fewer columns, and at last the end of each address only. The interface and the
state are always there.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv6Address

from ndpbr_py.system.clock import span
from ndpbr_py.system.terminal import BOLD, GREEN, RED, YELLOW, painted

_GAP = 2  # columns between two cells
_DAY_S = 86400
_DEVICE_COLUMNS = ("NAME", "LLADDR", "IFACE")  # written once for all addresses of a device
# The columns that are left out, in this order, and the room for the address below which each is.
_MIN_ADDRESS_WIDTHS = {"SINCE": 39, "LLADDR": 39, "LAST SEEN": 16, "NAME": 12, "RTT": 12}
_COLORS = {"reachable": GREEN, "permanent": GREEN, "static": GREEN, "unverified": YELLOW, "silent": RED}


@dataclass(frozen=True, slots=True)
class Row:
    """A host: the interface where it was learned, and the interfaces that have a proxy entry for it.

    Attributes:
        address: The address.
        dev: The interface.
        proxies: The interfaces with a proxy entry.
        lladdr: The link-layer address, as far as it is known.
        state: The NUD state of the neighbor entry.
        word: The state in one word, for a reader.
        name: The name of the host.
        known_for_s: How long the daemon has known the host.
        last_seen_s: When the host was last known to be present, in seconds before now.
        rtt_s: The round-trip time; None if the host was not pinged, or did not answer.
    """

    address: IPv6Address
    dev: str
    proxies: tuple[str, ...]
    lladdr: str | None = None
    state: str | None = None
    word: str = "-"
    name: str | None = None
    known_for_s: float | None = None
    last_seen_s: float | None = None
    rtt_s: float | None = None


def lines(rows: Sequence[Row], width: int | None, *, pinged: bool, color: bool) -> list[str]:
    """Return the heads and one line per address; *width* None: unlimited."""
    ordered = sorted(rows, key=lambda row: (row.dev, row.name or "~", row.lladdr or "", row.address))
    cells = [_cells(row, pinged=pinged) for row in ordered]
    widths = _widths(cells, width)
    result = [painted(_line({name: name for name in widths}, widths), BOLD, color=color)]
    device = None
    for row, shown in zip(ordered, cells, strict=True):
        if row.lladdr is not None and (row.lladdr, row.dev) == device:
            shown |= dict.fromkeys(_DEVICE_COLUMNS, "")
        device = row.lladdr, row.dev
        result.append(_line(shown, widths, _COLORS.get(row.word) if color else None))
    return result


def _cells(row: Row, *, pinged: bool) -> dict[str, str]:
    seen = "" if row.last_seen_s is None else "now" if row.state == "REACHABLE" else f"{span(row.last_seen_s)} ago"
    cells = {"NAME": row.name, "LLADDR": row.lladdr, "IFACE": row.dev, "ADDRESS": str(row.address), "STATE": row.word}
    if pinged:
        cells["RTT"] = round_trip(row.rtt_s)
    cells |= {"LAST SEEN": seen, "SINCE": _since(row.known_for_s)}
    return {name: "".join(c if c.isprintable() else "?" for c in text or "") for name, text in cells.items()}


def round_trip(rtt_s: float | None) -> str:
    """Return a round-trip time with three decimals."""
    return "FAILED" if rtt_s is None else f"{rtt_s * 1000:.3f} ms"


def _since(known_for_s: float | None) -> str:
    """Return the local time, or the date of more than a day ago."""
    if known_for_s is None:
        return ""
    return time.strftime("%H:%M" if known_for_s < _DAY_S else "%Y-%m-%d", time.localtime(time.time() - known_for_s))


def _widths(cells: Sequence[dict[str, str]], width: int | None) -> dict[str, int]:
    """Return the columns that are shown, with their widths."""
    names = list(cells[0]) if cells else []
    widest = {name: max(len(row[name]) for row in cells) for name in names}
    widths = {name: max(len(name), widest[name]) for name in names if widest[name]}
    if width is None or not widths:
        return widths
    for name, min_width in _MIN_ADDRESS_WIDTHS.items():
        room = width - sum(widths.values()) - _GAP * (len(widths) - 1)
        if widths["ADDRESS"] + room >= min(min_width, widths["ADDRESS"]):
            break
        widths.pop(name, None)
    room = width - sum(widths.values()) - _GAP * (len(widths) - 1)
    return widths | {"ADDRESS": max(widths["ADDRESS"] + min(room, 0), 0)}


def _line(cells: dict[str, str], widths: dict[str, int], state_color: int | None = None) -> str:
    words = []
    for name, width in widths.items():
        text = cells[name]
        if name == "ADDRESS" and len(text) > width:
            text = f"..{text[2 - width :]}" if width > 2 else ""  # hosts differ in the end of the address
        word = text.ljust(width)
        words.append(painted(word, state_color, color=True) if name == "STATE" and state_color is not None else word)
    return (" " * _GAP).join(words).rstrip()
