"""What another program changes again and again is restored less and less often."""

from __future__ import annotations

from math import inf

from ndpbr_py.core.damping import Damping
from ndpbr_py.core.events import SnapshotStarted
from tests.builders import actions, changed, handle, kernel, nd_proxy, why


def restores(*times: float) -> list[int | None]:
    """Return what the damping says at each of *times*."""
    damping = Damping()
    return [damping.times("conf/wan0/proxy_ndp", at) for at in times]


def test_first_restore_is_immediate_and_the_next_ones_wait_longer() -> None:
    """One second, then twice as long each time, a minute at most."""
    assert restores(0, 0.9, 1, 2.9, 3, 6.9, 7, 15, 31, 63, 123, 182.9, 183) == [
        *(1, None, 2, None, 3, None, 4, 5, 6, 7, 8, None, 9),
    ]


def test_quiet_time_ends_the_fight() -> None:
    """A change after two minutes is restored immediately."""
    assert restores(0, 1, 3, 123, 123.5, 124) == [1, 2, 3, 1, None, 2]


def test_each_key_has_its_own_time() -> None:
    """A fight about one setting delays no other."""
    damping = Damping()

    assert [damping.times(key, 0.0) for key in ("a", "b", "a")] == [1, 1, None]


def test_end_of_the_wait_is_known() -> None:
    """Of several that had to wait, the first may be restored then; a new comparison finds again what still differs."""
    damping = Damping()
    for key, at in (("a", 0.0), ("b", 0.2), ("b", 0.3), ("a", 0.4)):
        damping.times(key, at)
    waited_until = damping.retry_at
    damping.begin()

    assert (waited_until, damping.retry_at) == (1.0, inf)


def test_entries_of_a_host_are_restored_less_often() -> None:
    """The entries stay desired: a later comparison restores them, and the core knows when it is due."""
    proxy = nd_proxy()
    handle(proxy, kernel(), changed())
    decided, retries = [], []
    for now in (10.0, 10.5, 11.0, 12.0, 13.0):
        handle(proxy, SnapshotStarted(), now=now)
        decided.append(handle(proxy, kernel(), now=now))
        retries.append(proxy.restores.retry_at)

    assert [why(decisions) for decisions in decided] == [
        [("host-repaired", "kernel-differs")],
        [],
        [("host-repaired", "changed-again")],
        [],
        [("host-repaired", "changed-again")],
    ]
    assert retries == [inf, 11.0, inf, 13.0, inf]
    assert actions(decided[0]) == actions(decided[2]) != []
