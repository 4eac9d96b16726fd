"""The quick ways with addresses do as the standard library does."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.address import eui64_address, link_local, parsed, text

UNICAST = st.one_of(
    st.ip_addresses(network="2000::/3"), st.ip_addresses(network="fc00::/7"), st.ip_addresses(network="fe80::/10")
)


@given(UNICAST)
def test_address_is_read_and_printed_as_the_standard_library_does(address: IPv6Address) -> None:
    """Text and address lead to one another."""
    assert text(address) == str(address)
    assert parsed(str(address)) == parsed(address.exploded) == address


@given(st.ip_addresses(v=6) | st.ip_addresses(network="fe80::/9"))
def test_link_local_is_fe80_and_the_nine_bits_after(address: IPv6Address) -> None:
    """An address is link-local as the standard library sees it."""
    assert link_local(address) == address.is_link_local


def test_eui64_address_is_that_of_the_rfc() -> None:
    """RFC 2464, 4 has this example; a locally administered lladdr loses its bit."""
    prefix = IPv6Network("2001:db8::/64")

    assert eui64_address(prefix, "34:56:78:9a:bc:de") == IPv6Address("2001:db8::3656:78ff:fe9a:bcde")
    assert eui64_address(prefix, "02:00:00:00:00:33") == IPv6Address("2001:db8::ff:fe00:33")


@pytest.mark.parametrize(
    "garbage", ["", "::g", "1", "192.0.2.1", "fe80::1%lan0", "::\0", "::1 ", "2001:db8::/64", "\udcff"]
)
def test_garbage_is_no_address(garbage: str) -> None:
    """Text that is no address raises OSError or ValueError."""
    with pytest.raises((OSError, ValueError)):
        parsed(garbage)
