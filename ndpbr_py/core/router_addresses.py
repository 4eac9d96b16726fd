"""The router's own addresses -> proxy entries on its other links, so that hosts there reach them.

Pure. The kernel answers for an address only on the link that has it. A LAN host with the on-link flag solicits the
router's address on wan0 on its own link, and the modem solicits the address of lan0 on wan0. There is no host, so no
route and nothing to verify.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import IPv6Address

from ndpbr_py.core.decision import Decision, DecisionKind, Reason
from ndpbr_py.core.eligibility import Scope
from ndpbr_py.core.entry_diff import NOTHING, Entries, steps
from ndpbr_py.core.events import KernelSnapshot
from ndpbr_py.core.state import State


def desired(state: State, kernel: KernelSnapshot) -> dict[IPv6Address, tuple[str, Entries]]:
    """Return the interface of each address that is to be proxied, and its entries."""
    on_link, result = Scope(state.scope.on_link, advertised=state.scope.advertised), {}
    places = {(own.address, own.dev) for own in kernel.router_addresses}
    for own in kernel.router_addresses:
        address, listed = own.address, own.dev in state.rules.interfaces
        if own.settled and listed and address not in state.hosts and on_link.objection(address, own.dev) is None:
            devs = (dev for dev in state.desired.answering if (address, dev) not in places)
            entries = Entries(None, tuple(dev for dev in devs if not state.desired.is_foreign(address, dev)))
            result[address] = (own.dev, entries)
    return result


def decisions(
    needed: Mapping[IPv6Address, tuple[str, Entries]], installed: Mapping[IPv6Address, Entries]
) -> Iterator[Decision]:
    """Yield the decisions that turn the *installed* entries into the *needed* ones."""
    for address, (dev, entries) in needed.items():
        if actions := steps(address, installed.get(address, NOTHING), entries):
            yield Decision(DecisionKind.ADDRESS_PROXIED, Reason.ROUTER_ADDRESS, address, dev, actions=actions)
