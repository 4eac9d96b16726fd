"""The file of remembered hosts: its text, and what becomes of a file that cannot be used."""

from __future__ import annotations

import errno
import os
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from ndpbr_py.config import LogConfig
from ndpbr_py.core.candidates import Memory
from ndpbr_py.daemon.hosts_file import HEADER, HostsFile, hosts, lines
from ndpbr_py.logs.logger import Log
from tests.builders import HOST, INTERFACES, LLADDR, Records, addr

A, B = addr(), addr("2001:db8::4")
LINE = f"{HOST} lan0 {LLADDR}"
TEXT = f"{HEADER}\n2001:db8::4 wan0\n{LINE}\n"
KNOWN: Memory = {A: ("lan0", LLADDR), B: ("wan0", None)}


def hosts_file(path: Path, most: int = 10, records: Records | None = None) -> HostsFile:
    """Return the file, read; it logs to *records*."""
    log = Log(LogConfig("logfmt", syslog=True), records or Records(), date=lambda: 0.0)
    file = HostsFile(path, INTERFACES, most, log)
    file.load()
    return file


def test_text_has_one_line_per_host_in_order() -> None:
    """The hosts that are written are read again."""
    assert lines(KNOWN) == TEXT
    assert hosts(TEXT, INTERFACES, 10) == (KNOWN, 0)
    assert lines({}) == ""


@pytest.mark.parametrize(
    "line",
    [
        "x",
        f"{HOST}",
        f"{HOST} lan0 {LLADDR} more",
        f"{HOST}  lan0",
        f" {HOST} lan0",
        f"{HOST}/128 lan0",
        f"{HOST}%lan0 lan0",
        "192.0.2.1 lan0",
        "fe80::1 lan0",
        "ff02::1 lan0",
        "::1 lan0",
        f"{HOST} lan0 {LLADDR}\r",
        "\0" * 30,
        "\ufffd" * 30,
    ],
)
def test_line_that_is_none_is_counted(line: str) -> None:
    """The lines around it count."""
    assert hosts(f"{line}\n{LINE}\n", INTERFACES, 10) == ({A: ("lan0", LLADDR)}, 1)


def test_hosts_of_other_interfaces_are_ignored() -> None:
    """And so is what is more than there may be hosts."""
    assert hosts(f"{HOST} lan7 {LLADDR}\n", INTERFACES, 10) == ({}, 0)
    assert len(hosts("".join(f"2001:db8::{n:x} lan0\n" for n in range(1, 50)), INTERFACES, 7)[0]) == 7


@given(some.text())
def test_any_text_is_read(text: str) -> None:
    """Nothing that may stand in a file is an exception, and what is found can be written."""
    found, _ = hosts(text, INTERFACES, 5)

    assert all(isinstance(address, IPv6Address) for address in found)
    assert hosts(lines(found), INTERFACES, 5) == (found, 0)


def test_file_is_written_when_there_is_something_new(tmp_path: Path) -> None:
    """With its directory, and not again for the same; another run reads what this one has written."""
    path = tmp_path / "lib" / "ndpbr" / "hosts"
    file = hosts_file(path)

    assert (file.known, file.error) == ({}, None)
    assert not file.save({})
    assert not path.exists()
    assert file.save(KNOWN)
    assert not file.save(KNOWN)
    assert (path.read_text(), hosts_file(path).known) == (TEXT, KNOWN)
    assert file.save({})
    assert path.read_text() == ""


def test_no_more_hosts_are_written_than_there_may_be(tmp_path: Path) -> None:
    """The first ones are."""
    file = hosts_file(tmp_path / "hosts", most=1)
    file.save(KNOWN)

    assert hosts_file(tmp_path / "hosts").known == {A: ("lan0", LLADDR)}


@pytest.mark.parametrize("content", [b"", b"\0" * 512])
def test_file_that_a_power_cut_has_emptied(tmp_path: Path, content: bytes) -> None:
    """The file has no hosts, and is written anew."""
    path = tmp_path / "hosts"
    path.write_bytes(content)
    file = hosts_file(path)

    assert (file.known, file.error, file.save(KNOWN)) == ({}, None, True)
    assert path.read_text() == TEXT


def test_damaged_file_gives_what_can_be_read(tmp_path: Path) -> None:
    """Lines that are none are counted, and gone at the next writing."""
    path = tmp_path / "hosts"
    path.write_bytes(f"{HEADER}\n{LINE}\n".encode() + b"\xff\xfe\n2001:db")
    file = hosts_file(path)

    assert (file.known, file.error) == ({A: KNOWN[A]}, f"{path}: expected lines `ADDR IFACE LLADDR`, got 2 others")
    assert (file.save(file.known), file.error, path.read_text()) == (True, None, f"{HEADER}\n{LINE}\n")


def test_file_that_is_not_ours_is_left_as_it_is(tmp_path: Path) -> None:
    """Without our first line it may belong to another program."""
    path = tmp_path / "hosts"
    path.write_text(f"{LINE}\n")
    file = hosts_file(path)

    assert (file.known, file.error) == ({}, f"{path} belongs to another program")
    assert not file.save(KNOWN)
    assert path.read_text() == f"{LINE}\n"


def test_huge_file_is_read_in_part(tmp_path: Path) -> None:
    """As much as thousands of hosts need, and no more."""
    path = tmp_path / "hosts"
    path.write_text(HEADER + "\n" + "#" * (1 << 20) + f"\n{LINE}\n")

    assert hosts_file(path).known == {}


def test_file_that_cannot_be_read_or_written(tmp_path: Path) -> None:
    """The error says that a directory is in its place."""
    file = hosts_file(tmp_path)

    assert (file.known, file.error) == ({}, f"{tmp_path}: {os.strerror(errno.EISDIR)}")
    assert file.save(KNOWN)
    assert file.error == f"{tmp_path}: {os.strerror(errno.EISDIR)}"


def test_each_outage_of_the_file_is_logged(tmp_path: Path) -> None:
    """A file that cannot be written is a warning, and so is the next time, after it could be written again."""
    path, records = tmp_path / "hosts", Records()
    file = hosts_file(path, records=records)
    for known in (KNOWN, {A: KNOWN[A]}):
        path.mkdir()
        file.save(known)
        path.rmdir()
        file.save(known)
        path.unlink()

    record = f'event=hosts-file-unwritable error="{path}: {os.strerror(errno.EISDIR)}"'
    assert records.written == [("warning", record), ("info", f"{record} ended=true lasted_s=0.0")] * 2
