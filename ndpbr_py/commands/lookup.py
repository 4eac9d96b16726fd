"""ndpbr lookup: an address -> which host answers for it, as the running daemon finds out.

Exit status: 0 a host answers, 1 none does, 2 bad usage.
"""

from __future__ import annotations

import argparse
import sys
import time
from typing import Any

from ndpbr_py.control.client import ask
from ndpbr_py.core.address import text
from ndpbr_py.core.decision import Reason
from ndpbr_py.doctor.explain_text import OBJECTIONS
from ndpbr_py.errors import NdpbrError

_RETRY_DELAY_S = 1.0
_OBSTACLES = {reason.value: sentence for reason, (sentence, _) in OBJECTIONS.items()} | {
    Reason.STATIC.value: "it is a static host, which is never probed",
    Reason.ROUTED.value: "it is a host by another program's /128 route, and never probed",
    Reason.PERMANENT.value: "its neighbor entry is permanent, so it is never probed",
    "no-link": "no link is up where it may be, or ip(8) is older than 5.16",
}


def main(arguments: argparse.Namespace) -> int:
    """Look an address up."""
    waited = False
    while True:
        started = time.monotonic()
        answer = ask(arguments.state_dir, request="lookup", address=text(arguments.address))
        if answer is None:
            raise NdpbrError("the daemon does not answer: is it running? Asking it requires root and its --state-dir")
        if not answer["lookup"]["limited"]:
            break
        if not waited:
            print("waiting: too many lookups just now", file=sys.stderr)
            waited = True
        time.sleep(_RETRY_DELAY_S)
    print(line(answer["lookup"], time.monotonic() - started))
    return int(answer["lookup"]["answered_on"] is None)


def line(lookup: dict[str, Any], elapsed_s: float) -> str:
    """Return the result of a lookup as one sentence."""
    if lookup["obstacle"] is not None:
        return f"no: not looked up: {_OBSTACLES.get(lookup['obstacle'], lookup['obstacle'])}"
    elapsed = f"{elapsed_s * 1000:.0f} ms" if elapsed_s < 1 else f"{elapsed_s:.1f} s"
    if lookup["answered_on"] is None:
        return f"no: no answer on {', '.join(lookup['lookup_on'])} within {elapsed}"
    return f"yes: {lookup['answered_by']} answered on {lookup['answered_on']} after {elapsed}"
