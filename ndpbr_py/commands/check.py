"""ndpbr run --check: options -> whether `run` would start, and which interfaces exist.

A service does this before each start, so it does not import the daemon: that would double its time.
"""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Sequence

from ndpbr_py import config
from ndpbr_py.core.listed import Listed
from ndpbr_py.iproute2 import program
from ndpbr_py.system.interfaces import interface_names


def main(arguments: argparse.Namespace) -> int:
    """Print the answer."""
    options = config.run_config(arguments)
    program.find()
    print(checked(options.interfaces, interface_names()))
    return 0


def checked(listed: Sequence[str], existing: Sequence[str]) -> str:
    """Return which of the *listed* interfaces exist, and for each that does not, the one that was probably meant."""
    named = Listed(listed)
    found = [dev for dev in existing if dev in named or named.wants(dev)]
    notes = []
    for dev in (dev for dev in named if dev not in existing):
        similar = difflib.get_close_matches(dev, [name for name in existing if name not in (*named, "lo")], 1)
        guess = f"; did you mean {similar[0]}?" if similar else ""
        notes.append(f"; note: {dev} does not exist (yet){guess}")
    return f"ok: {', '.join(found) or 'no interface exists'}{''.join(notes)}"
