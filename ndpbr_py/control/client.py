"""A question -> what the running daemon answers, if there is one."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from ndpbr_py.control.server import NAME

_PATIENCE = 2.0  # s


def ask(state_dir: Path, **question: object) -> dict[str, Any] | None:
    """Return the daemon's answer; None if none listens in *state_dir*, or none that would answer us.

    ``what="state"`` asks how it is, ``what="hosts", addresses=[...]`` also when each of these was last known to be
    there, and ``what="address", address="..."`` also what it knows about that one and has decided about it.
    """
    end = time.monotonic() + _PATIENCE
    answer = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as asker:
            asker.settimeout(_PATIENCE)
            asker.connect(str(state_dir / NAME))
            asker.sendall(json.dumps(question).encode() + b"\n")
            while chunk := asker.recv(1 << 16):
                answer += chunk
                asker.settimeout(max(end - time.monotonic(), 0.001))
        said = json.loads(answer)
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and "error" not in said else None
