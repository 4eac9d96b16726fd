"""The words of the command line -> the interfaces that are listed."""

from __future__ import annotations

import pytest

from ndpbr_py import config
from ndpbr_py.core.actions import AddProxy, AddRoute
from ndpbr_py.core.events import LinkDeleted
from ndpbr_py.core.listed import Listed
from ndpbr_py.core.proxy import NdProxy
from ndpbr_py.core.state import Rules
from ndpbr_py.errors import ConfigError
from tests.builders import LLADDR, PREFIX, actions, addr, changed, entry, handle, kernel, link, route, why


def test_names_are_listed_and_patterns_are_not() -> None:
    """An interface that matches a pattern is listed when it exists."""
    listed = Listed(("wan0", "br-*", "wg0"))

    assert list(listed) == ["wan0", "wg0"]
    assert [dev for dev in ("wan0", "br-1", "lo", "xbr-1", "wg1", "br-") if listed.wants(dev)] == ["br-1", "br-"]
    listed.add("br-1")
    assert (list(listed), listed.matched, listed.wants("br-1")) == (["wan0", "wg0", "br-1"], ["br-1"], False)
    listed.remove("br-1")
    assert (list(listed), listed.wants("br-1")) == (["wan0", "wg0"], True)


def test_loopback_interface_matches_no_pattern() -> None:
    """The loopback interface has no hosts."""
    assert not Listed(("wan0", "l*")).wants("lo")


@pytest.mark.parametrize("word", ["br-*", "*0", "e*h*0", "wg*"])
def test_pattern_is_accepted(word: str) -> None:
    """The part beside the asterisks could be an interface's name."""
    assert config.interface_or_pattern(word) == word


@pytest.mark.parametrize("word", ["*", "**", "br?*", "a b*", "[ab]*", "-*"])
def test_other_pattern_is_refused(word: str) -> None:
    """`*` alone would list every interface."""
    with pytest.raises(ConfigError):
        config.interface_or_pattern(word)


def test_hosts_of_an_interface_come_and_go_with_it() -> None:
    """Hosts of such an interface are learned, proxied on the others, and forgotten with the interface."""
    listed = Listed(("wan0", "br-*"))
    proxy = NdProxy(Rules(listed, frozenset({PREFIX})))
    assert handle(proxy, kernel(up=("wan0",)), changed(dev="br-1")) == []
    listed.add("br-1")
    handle(proxy, link("br-1", up=True), kernel(up=("wan0", "br-1")))

    learned = handle(proxy, changed(dev="br-1"))
    assert why(learned) == [("host-learned", "first-sight")]
    assert actions(learned)[:2] == [AddRoute(addr(), "br-1"), AddProxy(addr(), "wan0")]
    handle(proxy, LinkDeleted(7, "br-1"))
    listed.remove("br-1")
    assert why(handle(proxy, kernel(up=("wan0",)))) == [("host-forgotten", "interface-not-listed")]
    assert len(proxy.hosts) == 0


def test_interface_that_becomes_a_port_of_a_bridge() -> None:
    """The interface is no longer listed although it exists: the entries of its hosts are removed."""
    listed = Listed(("wan0", "veth*"))
    listed.add("veth1")
    proxy = NdProxy(Rules(listed, frozenset({PREFIX})))
    handle(proxy, kernel(up=("wan0", "veth1")), changed(dev="veth1", lladdr=LLADDR))
    listed.remove("veth1")

    decisions = handle(proxy, kernel(route(dev="veth1"), entry(), up=("wan0",)))

    assert why(decisions) == [("host-forgotten", "interface-not-listed")]
    assert {type(action).__name__ for action in actions(decisions)} == {"DelRoute", "DelProxy"}
    assert addr() not in proxy.hosts
