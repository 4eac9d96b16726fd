"""Text with addresses and names -> the same text with other ones, so that a report can be published.

Pure, except for the random key: without it the original cannot be found. Equal addresses stay equal, addresses in one
prefix stay in one prefix, and an lladdr stays recognizable in its EUI-64 and solicited-node addresses, so that a replay
of the text decides the same. Source: Xu et al., "Prefix-preserving IP address anonymization" (Crypto-PAn); RFC 4291,
2.5.1 and 2.7.1.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache, partial
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_PAIRS = r"[0-9a-fA-F]{2}(?:[:-][0-9a-fA-F]{2}){5,}(?![0-9a-fA-F])"
_LLADDR = re.compile(rf"(?<![0-9a-zA-Z]){_PAIRS}|(?<![0-9a-zA-Z])(?:enx)?[0-9a-fA-F]{{12}}(?![0-9a-zA-Z])")
_IPV6 = re.compile(
    r"(?<![0-9a-zA-Z])((?:[0-9a-fA-F]{0,4}:){2,9}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}))(/\d+)?(?![0-9a-zA-Z])"
)
_IPV4 = re.compile(r"(?<![\w.])(\d{1,3}(?:\.\d{1,3}){3})(/\d+)?(?!\.?\w)")
_COMMENT = re.compile(r'\b(comment|prefix) "[^"]*"|/\*.*?\*/')
_NO_LLADDR = frozenset(("000000000000", "ffffffffffff"))
# An UNCHANGED address says nothing about the network. Of another, the FIXED first bits stay: they are its type.
_UNCHANGED_IPV6 = tuple(map(IPv6Network, ("::/127", "100::/64", "ff00::/12")))
_FIXED_IPV6 = tuple(map(IPv6Network, ("fe80::/64", "fc00::/7", "ff00::/16", "2000::/3", "::/0")))
_UNCHANGED_IPV4 = tuple(map(IPv4Network, ("0.0.0.0/32", "127.0.0.0/8", "255.0.0.0/8")))
_FIXED_IPV4 = tuple(map(IPv4Network, ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "0.0.0.0/0")))
_SOLICITED_NODE = IPv6Network("ff02::1:ff00:0/104")
_INTERFACE_ID_MASK = (1 << 64) - 1
_NIC_MASK = (1 << 24) - 1  # the end of an lladdr, and of the addresses that are made of it


class Anonymizer:
    """Replaces addresses and names, the same ones always by the same.

    Args:
        names: Names of hosts, of the router among them.
        key: The secret of the replacement; a random one if not given.
    """

    def __init__(self, names: Iterable[str] = (), key: bytes | None = None) -> None:
        self._bits = lru_cache(maxsize=4096)(partial(_other_bits, key or secrets.token_bytes(16)))
        self._names = {name.lower(): f"host{n}" for n, name in enumerate(sorted(set(names), key=len, reverse=True), 1)}
        words = "|".join(map(re.escape, self._names))
        self._any_name = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])", re.IGNORECASE) if words else None

    def addresses(self, text: str) -> str:
        """Return *text* with other addresses."""
        text = _IPV6.sub(lambda found: self._ipv6_word(found[1], found[2] or ""), text)
        text = _LLADDR.sub(lambda found: self._lladdr(found[0]), text)
        return _IPV4.sub(lambda found: self._ipv4(found[1], found[2] or ""), text)

    def all(self, text: str) -> str:
        """Return *text* with other addresses and names, and without the comments of a firewall."""
        text = self.addresses(_COMMENT.sub("", text))
        return self._any_name.sub(lambda found: self._names[found[0].lower()], text) if self._any_name else text

    def _lladdr(self, word: str) -> str:
        digits = re.sub("^enx|[:-]", "", word)
        if digits.lower() in _NO_LLADDR or (digits.isdecimal() and digits == word):
            return word  # it may also be a number
        value, bits = int(digits, 16), 4 * len(digits)
        other = self._oui(value >> bits - 24) << bits - 24 | self._bits("nic", value & _NIC_MASK, 24, 0)
        if bits > 48:
            other |= self._bits("longer", value >> 24 & (1 << bits - 48) - 1, bits - 48, 0) << 24
        written = iter(f"{other:0{len(digits)}x}")
        head = "enx" if word.startswith("enx") else ""
        return head + "".join(c if c in ":-" else next(written) for c in word.removeprefix("enx"))

    def _oui(self, oui: int) -> int:
        """Return another organization's number, with the bits for groups and for local administration as they are."""
        return self._bits("oui", oui & ~0x030000, 24, 0) & ~0x030000 | oui & 0x030000

    def _ipv6_word(self, word: str, length: str) -> str:
        """Return another address; *word* may have a colon too many at its ends."""
        for start, end in ((0, 0), (0, 1), (1, 0), (1, 1)):
            middle = word[start : len(word) - end]
            with suppress(ValueError):
                address = self._network(IPv6Address(middle), int(length[1:] or 128)) if length else None
                return word[:start] + str(address or self._ipv6(IPv6Address(middle))) + word[len(word) - end :] + length
        return word + length

    def _network(self, address: IPv6Address, length: int) -> IPv6Address:
        """Return the replacement of a prefix: host bits that are all 0 stay 0."""
        rest = (1 << 128 - length) - 1
        other = int(self._ipv6(address))
        return IPv6Address(other & ~rest if not int(address) & rest else other)

    def _ipv6(self, address: IPv6Address) -> IPv6Address:
        value = int(address)
        if address in _SOLICITED_NODE:
            return IPv6Address(value & ~_NIC_MASK | self._bits("nic", value & _NIC_MASK, 24, 0))
        if any(address in network for network in _UNCHANGED_IPV6) or address == IPv6Address("fe80::"):
            return address
        if address.ipv4_mapped is not None:
            return IPv6Address(value & ~0xFFFFFFFF | int(IPv4Address(self._ipv4(str(address.ipv4_mapped), ""))))
        fixed = next(network.prefixlen for network in _FIXED_IPV6 if address in network)
        high = self._bits("high", value >> 64, 64, fixed) << 64
        low = value & _INTERFACE_ID_MASK
        if not low:
            return IPv6Address(high)  # of a prefix, or its subnet-router anycast address
        nic = self._bits("nic", low & _NIC_MASK, 24, 0)
        if low >> 24 & 0xFFFF == 0xFFFE:
            return IPv6Address(high | (self._oui(low >> 40 ^ 0x020000) ^ 0x020000) << 40 | 0xFFFE << 24 | nic)
        return IPv6Address(high | self._bits("middle", low >> 24, 40, 0) << 24 | nic)

    def _ipv4(self, word: str, length: str) -> str:
        try:
            address = IPv4Address(word)
            rest = (1 << 32 - int(length[1:] or 32)) - 1
        except ValueError:
            return word + length
        if any(address in network for network in _UNCHANGED_IPV4):
            return word + length
        fixed = next(network.prefixlen for network in _FIXED_IPV4 if address in network)
        other = self._bits("ipv4", int(address), 32, fixed)
        return f"{IPv4Address(other & ~rest if not int(address) & rest else other)}{length}"


def _other_bits(key: bytes, field: str, value: int, width: int, fixed: int) -> int:
    """Return the replacement of *value*: if two have N first bits in common, so do theirs. *fixed* first bits stay."""
    other = value
    for place in range(fixed, width):
        head = f"{field} {place} {value >> width - place}".encode()
        other ^= (hashlib.blake2b(head, key=key, digest_size=1).digest()[0] & 1) << width - place - 1
    return other
