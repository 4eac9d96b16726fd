"""The word for a host on the command line -> its addresses: an address, a link-layer address or a name."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from ipaddress import IPv6Address

from ndpbr_py import config
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.errors import ConfigError, NdpbrError
from ndpbr_py.names import Key, Names, is_lladdr


def keys_of(word: str, names: Names) -> set[Key]:
    """Return the address or the link-layer address that *word* is, or those with that name.

    Raises:
        ConfigError: *word* is none of these.
    """
    with suppress(ConfigError):
        return {config.address(word)}
    keys: set[Key] = {word.lower()} if is_lladdr(word) else names.keys(word)
    if not keys:
        raise ConfigError(f"expected an IPv6 address, a link-layer address or the name of a host, got {word!r}")
    return keys


def addresses(word: str, keys: Collection[Key], kernel: KernelSnapshot) -> list[IPv6Address]:
    """Return the addresses among *keys*, and those of the neighbors whose link-layer address is one of *keys*.

    Raises:
        NdpbrError: There is none for *word*.
    """
    neighbors = {it.address for it in kernel.neighbors if it.lladdr in keys and not it.address.is_link_local}
    found = sorted(neighbors | {key for key in keys if isinstance(key, IPv6Address)})
    if not found:
        raise NdpbrError(f"{word} has no address in the neighbor table that could be proxied")
    return found
