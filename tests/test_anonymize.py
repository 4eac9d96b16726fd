"""Text with addresses and names -> the same text with others."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.recording.anonymize import Anonymizer

GLOBAL = st.integers(1 << 125, (1 << 126) - 1).map(IPv6Address)
LLADDR, EUI64 = "02:42:ac:11:00:05", "42:acff:fe11:5"
TEXT = f"""\
2001:db8:64::11 dev lan0 lladdr {LLADDR} STALE
2001:db8:64:0:{EUI64} dev enx0242ac110005 lladdr {LLADDR.upper()} STALE
source:{LLADDR}: moved to 02-42-ac-11-00-05; daemon:2001:db8:64::11, [2001:db8:64::11]:80, fe80::{EUI64}%lan0.
ff02::1:ff11:5, ::ffff:192.168.7.5, 192.168.7.5:80, ip:192.168.7.5.
iifname "lan0" ip6 saddr 2001:0DB8:0064:0000::/64 accept comment "Anna's phone" # /* Anna's rule */
duid 00:01:00:01:2c:5f:5f:5f:02:42:ac:11:00:05 name=annas-phone Annas-Phone.example
"""
SECRETS = ("2001:db8:64", "2001:0db8", "ac:11:00:05", "acff:fe11", "0242ac", "ac-11", "ff11:5", "192.168.7.5", "anna")


def replaced(text: str) -> str:
    return Anonymizer(["annas-phone"], b"key").all(text)


def test_no_secret_is_left_in_any_notation() -> None:
    """Addresses with and without zeros; lladdrs with colons, hyphens, neither, in EUI-64 and solicited-node groups."""
    text = replaced(TEXT).lower()

    assert [secret for secret in SECRETS if secret in text] == []
    assert [len(line.split()) for line in text.splitlines()][:2] == [6, 6]


def test_equal_things_stay_equal() -> None:
    """An address is the same everywhere, and an lladdr is that of its EUI-64 and solicited-node addresses."""
    first, second, third, *_ = replaced(TEXT).splitlines()
    lladdr = first.split()[4].lower()
    octets = [int(it, 16) for it in lladdr.split(":")]
    eui64 = f"{octets[0] ^ 2:02x}{octets[1]:02x}:{octets[2]:02x}ff:fe{octets[3]:02x}:{octets[4]:02x}{octets[5]:02x}"

    assert second.split()[4].lower() == lladdr
    assert second.split()[2] == "enx" + lladdr.replace(":", "")
    assert IPv6Address(second.split()[0]).exploded[20:] == IPv6Address(f"::{eui64}").exploded[20:]
    assert third.count(first.split()[0]) == 2
    assert third.startswith(f"source:{lladdr}: moved to {lladdr.replace(':', '-')};")
    assert IPv6Address(replaced("ff02::1:ff11:5")).packed[13:] == bytes(octets[3:])


@pytest.mark.parametrize(
    "text",
    [
        "[2026-11-27T08:33:02.123456] dev lan0",
        "default via",
        "::/0 :: ::1 ff02::1 ff02::16 100::87 fe80::/64 fe80::",
        "0.0.0.0 127.0.0.1 255.255.255.0 iproute2 6.1.0 python 3.11.2 up 3 d",
        "brd ff:ff:ff:ff:ff:ff 00:00:00:00:00:00",
        '{"uptime_s": 123456789012, "a:b": 1}',
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    """Times, versions, numbers, and addresses that are the same everywhere."""
    assert replaced(text) == text


@given(GLOBAL, GLOBAL, st.integers(3, 64))
def test_prefixes_are_kept(one: IPv6Address, other: IPv6Address, length: int) -> None:
    """Two addresses are in one prefix if, and only if, their replacements are."""
    made = Anonymizer((), b"key")
    network = IPv6Network((one, length), strict=False)
    new = IPv6Network(made.addresses(str(network)))

    assert new.prefixlen == length
    assert (IPv6Address(made.addresses(str(other))) in new) == (other in network)


def test_kind_of_an_address_stays() -> None:
    """Link-local, unique-local, global, private IPv4; a prefix has no bits behind its length."""
    made = Anonymizer((), b"key")
    kinds = {"fe80::1234": "fe80::/64", "fd00::1": "fc00::/7", "2001:db8::1": "2000::/3"}

    assert all(IPv6Address(made.addresses(address)) in IPv6Network(kind) for address, kind in kinds.items())
    assert IPv4Network(made.addresses("10.1.2.0/24")).subnet_of(IPv4Network("10.0.0.0/8"))
    assert IPv6Network(made.addresses("2001:db8:60::/44")).prefixlen == 44


def test_two_reports_have_nothing_in_common() -> None:
    """The key is a random one."""
    assert Anonymizer().all("2001:db8::1") != Anonymizer().all("2001:db8::1")


@given(st.text(alphabet="0123456789abcdefx:./- \n", max_size=60))
def test_any_text_can_be_anonymized(text: str) -> None:
    """Whatever a line has, it stays one line."""
    assert replaced(text).count("\n") == text.count("\n")
    assert not re.search("[^\n]\n$", text) or replaced(text).endswith("\n")
