"""The control socket: requests, answers and misbehaving clients."""

from __future__ import annotations

import asyncio
import errno
import json
import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ndpbr_py.control import NAME, server
from ndpbr_py.control.client import ask
from ndpbr_py.control.server import Control


async def repeat(request: Mapping[str, Any]) -> Mapping[str, object]:
    return {"request": request}


async def long_answer(_: Mapping[str, Any]) -> Mapping[str, object]:
    return {"text": "x" * 3_000_000}


@asynccontextmanager
async def listening(folder: Path, timeout_s: float = 2.0) -> AsyncIterator[Control]:
    """Listen in *folder*."""
    end = Control(folder, repeat, timeout_s)
    await end.start()
    try:
        yield end
    finally:
        end.stop()


def with_daemon(folder: Path, client: Callable[[], Any], timeout_s: float = 2.0) -> Any:
    """Return what *client* returns while a daemon listens in *folder*."""

    async def both() -> Any:
        async with listening(folder, timeout_s):
            return await asyncio.to_thread(client)

    return asyncio.run(both())


def connected(folder: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10.0)
    client.connect(str(folder / NAME))
    return client


def received(client: socket.socket) -> bytes:
    """Return everything up to the end of the connection."""
    answer = b""
    while chunk := client.recv(1 << 16):
        answer += chunk
    return answer


def raw(folder: Path, request: bytes) -> Any:
    """Return the answer to *request*."""
    with connected(folder) as client:
        client.sendall(request)
        return json.loads(received(client))


def test_request_gets_its_answer(tmp_path: Path) -> None:
    """The request and the answer arrive; only root can open the socket, which is removed with the daemon."""
    modes = []

    def client() -> object:
        modes.append(stat.S_IMODE((tmp_path / NAME).stat().st_mode))
        return ask(tmp_path, request="address", address="2001:db8::1")

    assert with_daemon(tmp_path, client) == {"request": {"request": "address", "address": "2001:db8::1"}}
    assert modes == [0o600]
    assert list(tmp_path.iterdir()) == []


def test_large_answer_arrives_whole(tmp_path: Path) -> None:
    """An answer may be larger than the socket's buffer."""

    async def both() -> Any:
        end = Control(tmp_path, long_answer)
        await end.start()
        try:
            return await asyncio.to_thread(ask, tmp_path, request="state")
        finally:
            end.stop()

    assert len(asyncio.run(both())["text"]) == 3_000_000


@pytest.mark.parametrize(
    ("request_line", "error"),
    [
        (b"garbage\n", "expected a JSON object, got something else"),
        (b"[1]\n", "expected a JSON object, got something else"),
        (b"\xff\xfe\n", "expected a JSON object, got something else"),
        (b"[" * 16000 + b"\n", "expected a JSON object, got something else"),
        (b"x" * 40000, "expected a request of at most 32768 bytes, got a longer one"),
    ],
)
def test_bad_request_gets_an_error(request_line: bytes, error: str, tmp_path: Path) -> None:
    """Whatever the request, the answer is an object."""
    assert with_daemon(tmp_path, lambda: raw(tmp_path, request_line)) == {"error": error}


def test_request_may_come_in_pieces(tmp_path: Path) -> None:
    """A request ends with its line, however it is cut into pieces."""

    def client() -> bytes:
        with connected(tmp_path) as end:
            for piece in (b'{"request"', b": 1", b"}", b"\n"):
                end.sendall(piece)
            return received(end)

    assert json.loads(with_daemon(tmp_path, client)) == {"request": {"request": 1}}


def test_silent_client_is_dropped(tmp_path: Path) -> None:
    """A client that sends nothing is dropped; others are answered meanwhile."""

    def client() -> tuple[object, bytes]:
        with connected(tmp_path) as silent:
            return ask(tmp_path, request=1), received(silent)

    assert with_daemon(tmp_path, client, timeout_s=0.2) == ({"request": {"request": 1}}, b"")


def test_only_eight_clients_are_answered_at_a_time(tmp_path: Path) -> None:
    """A ninth client gets an error."""

    def client() -> object:
        clients = [connected(tmp_path) for _ in range(8)]
        try:
            return raw(tmp_path, b"")
        finally:
            for one in clients:
                one.close()

    assert with_daemon(tmp_path, client) == {"error": "expected at most 8 clients at a time, got one more"}


def test_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    """The socket of a daemon that was killed does not prevent the next start."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / NAME))
        dead.listen()
    assert ask(tmp_path, request=1) is None

    assert with_daemon(tmp_path, lambda: ask(tmp_path, request=1)) == {"request": {"request": 1}}


def test_file_of_another_program_is_not_replaced(tmp_path: Path) -> None:
    """Neither another daemon's socket nor another kind of file is replaced."""

    async def twice() -> None:
        async with listening(tmp_path):
            with pytest.raises(OSError, match="another daemon listens on"):
                await Control(tmp_path, repeat).start()
            assert (tmp_path / NAME).is_socket()

    asyncio.run(twice())
    (tmp_path / NAME).write_text("mine")
    with pytest.raises(OSError, match="exists and is no socket"):
        asyncio.run(Control(tmp_path, repeat).start())
    assert (tmp_path / NAME).read_text() == "mine"


def test_socket_of_another_kind_is_not_replaced(tmp_path: Path) -> None:
    """A datagram socket, whose program may still use it, is no socket that a dead daemon left."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(str(tmp_path / NAME))
        with pytest.raises(OSError) as raised:
            asyncio.run(Control(tmp_path, repeat).start())
        assert raised.value.errno == errno.EPROTOTYPE
        assert (tmp_path / NAME).is_socket()


def test_socket_that_cannot_be_created_is_an_oserror(tmp_path: Path) -> None:
    """For example a path that is too long for a socket; no descriptor is left open."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="too long"):
        asyncio.run(Control(tmp_path / ("x" * 100), repeat).start())

    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_no_daemon_listens(tmp_path: Path) -> None:
    """Without a daemon there is no answer."""
    assert ask(tmp_path, request="state") is None
    assert ask(tmp_path / "none", request="state") is None


def test_socket_of_a_dying_process_keeps_no_daemon_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child of a killed daemon holds the socket for a moment; one that holds it for a second is a daemon."""
    path = tmp_path / NAME
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        assert server.stays_served(path)
        monkeypatch.setattr(time, "sleep", lambda _: listener.close())
        assert not server.stays_served(path)
