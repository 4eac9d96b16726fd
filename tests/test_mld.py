"""An MLD report, octet by octet."""

from __future__ import annotations

from ndpbr_py.packets.mld import report, solicited_node_group
from tests.builders import addr

GROUP = addr("ff02::1:ff12:3456")


def test_solicited_node_group_has_the_last_24_bits_of_the_address() -> None:
    """RFC 4291, 2.7.1 has this very example."""
    assert solicited_node_group(addr("4037::1:800:200e:8c6c")) == addr("ff02::1:ff0e:8c6c")


def test_report_of_version_2_joins_one_group() -> None:
    """RFC 3810, 5.2: one record, CHANGE_TO_EXCLUDE_MODE without sources, to all routers that speak MLDv2."""
    message, destination = report(GROUP, 2)

    assert message.hex(" ", 4) == "8f000000 00000001 04000000 ff020000 00000000 00000001 ff123456"
    assert destination == "ff02::16"


def test_report_of_version_1_goes_to_the_group() -> None:
    """RFC 2710, 3: the group, to the group."""
    message, destination = report(GROUP, 1)

    assert message.hex(" ", 4) == "83000000 00000000 ff020000 00000000 00000001 ff123456"
    assert destination == "ff02::1:ff12:3456"
