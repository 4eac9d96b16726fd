"""The control socket: questions and answers, and clients that are no good."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import stat
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ndpbr_py.control import server
from ndpbr_py.control.client import ask
from ndpbr_py.control.server import NAME, Control


def repeat(question: Mapping[str, Any]) -> Mapping[str, object]:
    return {"asked": question}


@asynccontextmanager
async def listening(folder: Path) -> AsyncIterator[Control]:
    """Have a daemon's end in *folder*."""
    end = Control(folder, repeat)
    await end.start()
    try:
        yield end
    finally:
        end.stop()


def with_daemon(folder: Path, client: Callable[[], Any]) -> Any:
    """Return what *client* returns while a daemon listens in *folder*."""

    async def both() -> Any:
        async with listening(folder):
            return await asyncio.to_thread(client)

    return asyncio.run(both())


def connected(folder: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(10.0)
    client.connect(str(folder / NAME))
    return client


def said(client: socket.socket) -> bytes:
    """Return all that comes, up to the end."""
    answer = b""
    while chunk := client.recv(1 << 16):
        answer += chunk
    return answer


def raw(folder: Path, question: bytes) -> Any:
    """Return the answer to *question*."""
    with connected(folder) as client:
        client.sendall(question)
        return json.loads(said(client))


def test_question_gets_its_answer(tmp_path: Path) -> None:
    """What is asked arrives, what is answered comes back, the socket is root's alone and goes with the daemon."""
    modes = []

    def client() -> object:
        modes.append(stat.S_IMODE((tmp_path / NAME).stat().st_mode))
        return ask(tmp_path, what="address", address="2001:db8::1")

    assert with_daemon(tmp_path, client) == {"asked": {"what": "address", "address": "2001:db8::1"}}
    assert modes == [0o600]
    assert list(tmp_path.iterdir()) == []


def test_large_answer_arrives_whole(tmp_path: Path) -> None:
    """An answer may be larger than the socket's buffer."""

    async def both() -> Any:
        end = Control(tmp_path, lambda _: {"text": "x" * 3_000_000})
        await end.start()
        try:
            return await asyncio.to_thread(ask, tmp_path, what="state")
        finally:
            end.stop()

    assert len(asyncio.run(both())["text"]) == 3_000_000


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (b"garbage\n", "a JSON object was wanted"),
        (b"[1]\n", "a JSON object was wanted"),
        (b"\xff\xfe\n", "a JSON object was wanted"),
        (b"[" * 16000 + b"\n", "a JSON object was wanted"),
        (b"x" * 40000, "a question of 32768 bytes at the most was wanted, got a longer one"),
    ],
)
def test_what_is_no_question_gets_a_sentence(question: bytes, error: str, tmp_path: Path) -> None:
    """Whatever is sent, the answer is an object."""
    assert with_daemon(tmp_path, lambda: raw(tmp_path, question)) == {"error": error}


def test_question_may_come_in_pieces(tmp_path: Path) -> None:
    """A question ends with its line, however it comes."""

    def client() -> bytes:
        with connected(tmp_path) as end:
            for piece in (b'{"what"', b": 1", b"}", b"\n"):
                end.sendall(piece)
            return said(end)

    assert json.loads(with_daemon(tmp_path, client)) == {"asked": {"what": 1}}


def test_silent_client_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One who connects and says nothing is let go; others are heard meanwhile."""
    monkeypatch.setattr(server, "_PATIENCE", 0.2)

    def client() -> tuple[object, bytes]:
        with connected(tmp_path) as silent:
            return ask(tmp_path, what=1), said(silent)

    assert with_daemon(tmp_path, client) == ({"asked": {"what": 1}}, b"")


def test_only_a_few_are_heard_at_once(tmp_path: Path) -> None:
    """One more than that is told so."""

    def client() -> object:
        crowd = [connected(tmp_path) for _ in range(8)]
        try:
            return raw(tmp_path, b"")
        finally:
            for one in crowd:
                one.close()

    assert with_daemon(tmp_path, client) == {"error": "8 clients at the most are heard at once"}


def test_socket_of_a_dead_daemon_is_replaced(tmp_path: Path) -> None:
    """What a daemon that was killed has left is in nobody's way."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as dead:
        dead.bind(str(tmp_path / NAME))
        dead.listen()
    assert ask(tmp_path, what=1) is None

    assert with_daemon(tmp_path, lambda: ask(tmp_path, what=1)) == {"asked": {"what": 1}}


def test_what_is_not_ours_is_left_alone(tmp_path: Path) -> None:
    """Neither another daemon's socket nor another kind of file is replaced."""

    async def twice() -> None:
        async with listening(tmp_path):
            with pytest.raises(OSError, match="another daemon listens there"):
                await Control(tmp_path, repeat).start()
            assert (tmp_path / NAME).is_socket()

    asyncio.run(twice())
    (tmp_path / NAME).write_text("mine")
    with pytest.raises(OSError, match="something else has that name"):
        asyncio.run(Control(tmp_path, repeat).start())
    assert (tmp_path / NAME).read_text() == "mine"


def test_socket_that_cannot_be_made_is_an_oserror(tmp_path: Path) -> None:
    """A path too long for a socket, say; and no descriptor is left open."""
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="too long"):
        asyncio.run(Control(tmp_path / ("x" * 100), repeat).start())

    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_nobody_listens(tmp_path: Path) -> None:
    """Without a daemon there is no answer."""
    assert ask(tmp_path, what="state") is None
    assert ask(tmp_path / "none", what="state") is None
