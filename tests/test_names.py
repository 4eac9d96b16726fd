"""Files of the system, and --names FILE -> the names of hosts."""

from __future__ import annotations

from pathlib import Path

from ndpbr_py.names import Names
from tests.builders import HOST, LLADDR, addr

LEASES = f"""1767225600 {LLADDR} 192.168.1.33 phone 01:{LLADDR}
1767225600 02:00:00:00:00:34 192.168.1.34 * *
1767225600 02:00:00:00:00:35 192.168.1.35 \x1b[2J *
duid 00:01:00:01:2c
1767225600 8210 2001:db8::35 printer 00:03:00:01:02:00:00:00:00:35
garbage
"""


def names(folder: Path) -> Names:
    """Return the names in the files below *folder*."""
    return Names(folder / "own", [folder / name for name in ("dnsmasq.leases", "ethers", "hosts")], 0.0)


def test_names_of_leases(tmp_path: Path) -> None:
    """A lease of DHCPv4 names an lladdr, one of DHCPv6 an address; a lease without a plain word has no name."""
    (tmp_path / "dnsmasq.leases").write_text(LEASES)
    found = names(tmp_path)

    assert found.of(addr(HOST), LLADDR) == "phone"
    assert found.of(addr("2001:db8::35"), None) == "printer"
    assert found.of(addr(HOST), "02:00:00:00:00:34") is found.of(addr(HOST), "02:00:00:00:00:35") is None
    assert found.keys("Phone") == {LLADDR}


def test_later_file_decides(tmp_path: Path) -> None:
    """Leases, /etc/ethers, --names FILE; a line of /etc/hosts is about one address, and wins."""
    found = names(tmp_path)
    (tmp_path / "dnsmasq.leases").write_text(LEASES)
    seen = [found.of(addr(HOST), LLADDR)]
    (tmp_path / "ethers").write_text(f"# comment\n{LLADDR.upper()}\tethers-name\n02:00:00:00:00:36 192.168.1.36\n")
    seen.append(found.of(addr(HOST), LLADDR))
    (tmp_path / "own").write_text(f"{LLADDR} own-name  # the tablet\n")
    seen.append(found.of(addr(HOST), LLADDR))
    (tmp_path / "hosts").write_text(f"127.0.0.1 localhost\n{HOST} hosts-name alias\n")
    seen.append(found.of(addr(HOST), LLADDR))

    assert seen == ["phone", "ethers-name", "own-name", "hosts-name"]
    assert found.of(addr("2001:db8::36"), "02:00:00:00:00:36") is None
    assert found.keys("hosts-name") == {addr(HOST)}


def test_file_that_is_missing_or_removed(tmp_path: Path) -> None:
    """A file that is missing or removed has no names."""
    found = names(tmp_path)
    before = found.of(addr(HOST), LLADDR)
    (tmp_path / "ethers").write_text(f"{LLADDR} phone\n")
    there = found.of(addr(HOST), LLADDR)
    (tmp_path / "ethers").unlink()

    assert (before, there, found.of(addr(HOST), LLADDR)) == (None, "phone", None)
