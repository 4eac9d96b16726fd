"""A request -> the answer of the running daemon, if there is one."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

from ndpbr_py.control import NAME

_TIMEOUT_S = 2.0
_LOOKUP_TIMEOUT_S = 12.0  # longer than the daemon takes


def ask(state_dir: Path, **request: object) -> dict[str, Any] | None:
    """Return the daemon's answer; None if no daemon listens in *state_dir*, or it refuses the request.

    ``request="state"`` asks for the daemon's state, ``request="hosts", addresses=[...]`` for these hosts, and
    ``request="address", address="..."`` for its state and for the host with that address and the decisions about it.
    ``request="lookup", address="..."`` makes the daemon look the address up, and takes some seconds.
    """
    timeout_s = _LOOKUP_TIMEOUT_S if request.get("request") == "lookup" else _TIMEOUT_S
    end = time.monotonic() + timeout_s
    received = bytearray()
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as client:
            client.settimeout(timeout_s)
            client.connect(str(state_dir / NAME))
            client.sendall(json.dumps(request).encode() + b"\n")
            while chunk := client.recv(1 << 16):
                received += chunk
                client.settimeout(max(end - time.monotonic(), 0.001))
        answer = json.loads(received)
    except (OSError, ValueError):
        return None
    return answer if isinstance(answer, dict) and "error" not in answer else None
