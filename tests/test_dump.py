"""`ip -6 ... show`, run by processes -> the kernel's tables."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import NdpbrError
from ndpbr_py.iproute2 import dump
from ndpbr_py.iproute2.program import Program, find
from tests.scripts import later, script, until

_ROUTES = (
    '*"route show") printf "2001:db8::33 dev lan0 proto 135 metric 1024 pref medium\\n2001:"; sleep 0.1',
    'printf "db8:"; sleep 0.1; printf ":34 dev lan0 proto 135 metric 1024 pref medium\\n"',
    'printf "2001:db8::35 dev lan0 proto 135 metric 1024 pref medium\\n";;',
)


def test_line_that_arrives_in_pieces_is_parsed_whole(tmp_path: Path) -> None:
    """A line need not end where the contents of a pipe end."""
    script(tmp_path, 'case "$*" in', '*-V) echo "ip utility, iproute2-6.1.0";;', *_ROUTES, "esac")

    assert [str(it.address) for it in _read(tmp_path).host_routes] == ["2001:db8::33", "2001:db8::34", "2001:db8::35"]


def test_snapshot_is_not_formatted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To format ten thousand hosts, for no reader, would take longer than the dump."""
    monkeypatch.setattr(KernelSnapshot, "__repr__", lambda _: pytest.fail("formatted"))
    script(tmp_path, 'case "$*" in', '*-V) echo "ip utility, iproute2-6.1.0";;', "esac")

    assert _read(tmp_path).host_routes == ()


def test_failed_dump_is_named(tmp_path: Path) -> None:
    """The error has the command, and what ip(8) printed."""
    script(tmp_path, 'case "$*" in', '*-V) echo "ip utility, iproute2-6.1.0";;', "*) echo no >&2; exit 2;;", "esac")

    with pytest.raises(NdpbrError, match="`ip -6 -N route show` ended with status 2: no"):
        _read(tmp_path)


def test_tables_without_any_interface_are_an_error(tmp_path: Path) -> None:
    """A program that prints garbage and ends with status 0 is no ip(8): no host is forgotten because of it."""
    script(tmp_path, 'case "$*" in', '*-V) echo "ip utility, iproute2-6.1.0";;', "*) echo garbage;;", "esac")

    with pytest.raises(NdpbrError, match="printed no interface"):
        _read(tmp_path, "link")


def test_dump_that_hangs_is_ended(tmp_path: Path) -> None:
    """After ten seconds the error says which command has not answered, and its process is gone."""
    path = script(tmp_path, f'echo $$ >"{tmp_path}/pid"', "exec sleep 1000")

    async def story() -> None:
        forward = later()
        task = asyncio.create_task(dump.snapshot(Program(path, (6, 1), "6.1.0"), ("lan0",), 135, ("route",)))
        await until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
        assert not task.done()
        forward(10.0)
        with pytest.raises(NdpbrError, match="`ip -6 -N route show` did not answer within 10 s"):
            await task

    asyncio.run(story())
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_cancellation_just_as_a_dump_ends_is_no_error(tmp_path: Path) -> None:
    """The daemon may be stopped at any moment."""
    path = script(tmp_path, 'case "$*" in', '*-V) echo "ip utility, iproute2-6.1.0";;', "esac")
    errors: list[object] = []

    async def story() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: errors.append(context))
        task = asyncio.create_task(dump.snapshot(Program(path, (6, 1), "6.1.0"), ("lan0",), 135, ("route",)))
        await asyncio.sleep(0)
        time.sleep(0.3)  # in the next round of the loop the dump has ended
        loop.call_soon(task.cancel)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(story())
    assert errors == []


def _read(folder: Path, kind: str = "route") -> KernelSnapshot:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", str(folder), prepend=":")
        return dump.snapshot_now(find(), ("lan0",), 135, (kind,))
