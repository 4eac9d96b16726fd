"""A request on a Unix socket -> the daemon's answer: one line of JSON each, then the end.

No client can hold the daemon up: a request is short, a slow client is dropped, and there are at most eight at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from ndpbr_py.control import NAME

Answer = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, object]]]

_MAX_REQUEST_BYTES = 32768
_MAX_CLIENTS = 8
_CHILD_EXIT_TIMEOUT_S = 1.0  # until a child of a killed daemon is killed, too


class Control:
    """The daemon's side of the control socket: *answer* returns the answer to a request.

    A client has *timeout_s* to send its request, and as long to read the answer.
    """

    def __init__(self, state_dir: Path, answer: Answer, timeout_s: float = 2.0) -> None:
        self._path = state_dir / NAME
        self._answer = answer
        self._timeout_s = timeout_s
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket that a dead daemon left is replaced.

        Raises:
            OSError: The socket cannot be created, or another daemon listens on it.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _remove_stale(self._path)
            os.fchmod(listener.fileno(), 0o600)  # bind() gives the file this mode: no other user can ever open it
            listener.bind(str(self._path))
            self._server = await asyncio.start_unix_server(
                self._serve, sock=listener, backlog=_MAX_CLIENTS, limit=_MAX_REQUEST_BYTES
            )
        except OSError:
            listener.close()
            raise

    def stop(self) -> None:
        """Stop listening, remove the socket, drop all clients."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(OSError):  # already removed, or no longer ours to remove
                self._path.unlink()
        for writer in tuple(self._clients):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            async with asyncio.timeout(self._timeout_s):
                request = await self._request(reader)
            answer = await self._answer(request) if isinstance(request, dict) else {"error": request}
            async with asyncio.timeout(self._timeout_s):
                writer.write(json.dumps(answer).encode() + b"\n")
                writer.close()
                await writer.wait_closed()
        except OSError:  # the client is slow (TimeoutError), or gone
            pass
        finally:
            writer.transport.abort()
            self._clients.discard(writer)

    async def _request(self, reader: asyncio.StreamReader) -> dict[str, Any] | str:
        """Return the request; or an error, as one sentence."""
        if len(self._clients) > _MAX_CLIENTS:
            return f"expected at most {_MAX_CLIENTS} clients at a time, got one more"
        try:
            line = await reader.readline()
        except ValueError:
            return f"expected a request of at most {_MAX_REQUEST_BYTES} bytes, got a longer one"
        try:
            request = json.loads(line)
        except (ValueError, RecursionError):
            request = None
        return request if isinstance(request, dict) else "expected a JSON object, got something else"


def is_served(path: Path) -> bool:
    """Whether a process listens on the socket *path*.

    Raises:
        OSError: That cannot be known: *path* is too long or no stream socket, or access is denied.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as client:
        try:
            client.connect(str(path))
        except BlockingIOError:
            return True  # but is busy
        except (FileNotFoundError, ConnectionRefusedError):
            return False
    return True


def stays_served(path: Path) -> bool:
    """Whether a process listens on the socket *path*, and has not ended within a second.

    A child of a killed daemon, which has not executed its program yet, holds the socket until it is killed, too.

    Raises:
        OSError: As `is_served()`.
    """
    end = time.monotonic() + _CHILD_EXIT_TIMEOUT_S
    while is_served(path):
        if time.monotonic() > end:
            return True
        time.sleep(_CHILD_EXIT_TIMEOUT_S / 20)
    return False


def _remove_stale(path: Path) -> None:
    """Remove a socket on which no process listens.

    Raises:
        FileExistsError: A process listens on it, or it is no socket.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(0, f"{path} exists and is no socket")
    if is_served(path):
        raise FileExistsError(0, f"another daemon listens on {path}")
    path.unlink()
