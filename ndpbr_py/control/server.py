"""A question on a Unix socket -> the daemon's answer: one line of JSON each, then the end.

Nobody who asks can hold the daemon up: a question is short, a client that is slow is dropped, and only a few are
heard at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import stat
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Answer = Callable[[Mapping[str, Any]], Mapping[str, object]]

NAME = "control"  # in the state directory
_LONGEST = 32768  # bytes of a question
_PATIENCE = 2.0  # s, from a client's coming to its end
_CLIENTS = 8


class Control:
    """The daemon's end of the socket."""

    def __init__(self, state_dir: Path, answer: Answer) -> None:
        self._path = state_dir / NAME
        self._answer = answer
        self._clients: set[_Client] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; a socket that a dead daemon left is replaced.

        Raises:
            OSError: The socket cannot be made, or another daemon listens there.
        """
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            self._path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            _clear(self._path)
            os.fchmod(listener.fileno(), 0o600)  # which bind() gives to the file, so that it never is another's
            listener.bind(str(self._path))
            loop = asyncio.get_running_loop()
            self._server = await loop.create_unix_server(self._client, sock=listener, backlog=_CLIENTS)
        except OSError:
            listener.close()
            raise

    def stop(self) -> None:
        """Listen no longer, remove the socket."""
        if self._server is not None:
            self._server.close()
            self._server = None
            with contextlib.suppress(OSError):  # gone already, or no longer ours to remove
                self._path.unlink()
        for client in tuple(self._clients):
            client.drop()

    def _client(self) -> _Client:
        return _Client(self._answer, self._clients)


class _Client(asyncio.Protocol):
    """One who asks."""

    def __init__(self, answer: Answer, clients: set[_Client]) -> None:
        self._answer = answer
        self._clients = clients
        self._question = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self.drop)
        self._clients.add(self)
        if len(self._clients) > _CLIENTS:
            self._say({"error": f"{_CLIENTS} clients at the most are heard at once"})

    def data_received(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._question += data
        line, newline, _ = self._question.partition(b"\n")
        if len(line) > _LONGEST:
            self._say({"error": f"a question of {_LONGEST} bytes at the most was wanted, got a longer one"})
        elif newline:
            self._say(self._replied(line))

    def connection_lost(self, error: Exception | None) -> None:
        self._timer.cancel()
        self._clients.discard(self)

    def drop(self) -> None:
        """End it, whatever is left to say."""
        self._transport.abort()

    def _replied(self, line: bytes) -> Mapping[str, object]:
        try:
            question = json.loads(line)
        except (ValueError, RecursionError):
            question = None
        if not isinstance(question, dict):
            return {"error": "a JSON object was wanted"}
        return self._answer(question)

    def _say(self, answer: Mapping[str, object]) -> None:
        self._transport.write(json.dumps(answer).encode() + b"\n")
        self._transport.close()


def _clear(path: Path) -> None:
    """Remove a socket that nobody listens on."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise FileExistsError(0, "something else has that name")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as asker:
        try:
            asker.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
            return
        except BlockingIOError:
            pass  # it has no time now, but it is there
    raise FileExistsError(0, "another daemon listens there")
