"""What a host has and what it should have -> the steps in between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ndpbr_py.core.actions import AddProxy, AddRoute, DelProxy, DelRoute, Entry
from ndpbr_py.core.entry_diff import NOTHING, Entries, steps
from tests.builders import addr

A = addr()
ON_LAN0 = Entries("lan0", ("wan0", "lan1"))
ON_LAN1 = Entries("lan1", ("wan0", "lan0"))
STEPS: dict[str, tuple[Entries, Entries, list[Entry]]] = {
    "nothing to do": (ON_LAN0, ON_LAN0, []),
    "route before proxy entries": (
        NOTHING,
        ON_LAN0,
        [AddRoute(A, "lan0"), AddProxy(A, "wan0"), AddProxy(A, "lan1")],
    ),
    "proxy entries away before route": (
        ON_LAN0,
        NOTHING,
        [DelProxy(A, "wan0"), DelProxy(A, "lan1"), DelRoute(A, "lan0")],
    ),
    "a move leaves alone what stays": (
        ON_LAN0,
        ON_LAN1,
        [DelProxy(A, "lan1"), DelRoute(A, "lan0"), AddRoute(A, "lan1"), AddProxy(A, "lan0")],
    ),
    "one proxy entry is missing": (Entries("lan0", ("wan0",)), ON_LAN0, [AddProxy(A, "lan1")]),
    "the route is missing": (Entries(None, ("wan0", "lan1")), ON_LAN0, [AddRoute(A, "lan0")]),
    "another program's route does the work": (ON_LAN0, Entries(None, ON_LAN0.proxies), [DelRoute(A, "lan0")]),
}
DEVS = ("wan0", "lan0", "lan1", "lan2")
ENTRIES = st.builds(
    lambda route, proxies: Entries(route, tuple(dev for dev in proxies if dev != route)),
    st.none() | st.sampled_from(DEVS),
    st.lists(st.sampled_from(DEVS), unique=True),
)


@pytest.mark.parametrize(("installed", "desired", "todo"), STEPS.values(), ids=STEPS)
def test_steps_from_one_to_the_other(installed: Entries, desired: Entries, todo: list[Entry]) -> None:
    """The steps are those that are needed, in the order that never draws traffic which leads nowhere."""
    assert steps(A, installed, desired) == todo


@given(ENTRIES, ENTRIES)
def test_steps_lead_there_and_never_answer_on_the_way_to_the_host(installed: Entries, desired: Entries) -> None:
    """Done one by one they end at what is wanted, and no proxy entry is ever on the interface of the route."""
    route, proxies = installed.route, set(installed.proxies)
    for step in steps(A, installed, desired):
        match step:
            case AddRoute():
                assert route is None
                route = step.dev
            case DelRoute():
                assert route == step.dev
                route = None
            case AddProxy():
                assert step.dev not in proxies
                proxies.add(step.dev)
            case DelProxy():
                proxies.remove(step.dev)
        assert route not in proxies

    assert (route, proxies) == (desired.route, set(desired.proxies))
