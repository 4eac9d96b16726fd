"""The locks of the daemons in a network namespace -> the interfaces and rules that doctor uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor.collect import interfaces, rules_of
from ndpbr_py.doctor.procfs import ProcFs
from tests.builders import INTERFACES, lay_locks


def with_locks(root: Path, *names: str) -> ProcFs:
    """Return a ProcFs with the locks *names* and the listed interfaces."""
    lay_locks(root, *names)
    for dev in INTERFACES:
        (root / "class/net" / dev).mkdir(parents=True)
    return ProcFs(root, root)


def test_interfaces_of_a_daemon_that_does_not_answer(tmp_path: Path) -> None:
    """The interfaces are known from the daemon's locks."""
    procfs = with_locks(tmp_path, "interface wan0", "interface lan0", "interface gone0")

    assert interfaces(procfs, None) == ("lan0", "wan0")


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ([], 135),
        (["protocol 200", "interface wan0"], 200),
        (["protocol 200", "protocol 201"], 135),
    ],
)
def test_protocol_of_a_daemon_that_does_not_answer(tmp_path: Path, names: list[str], number: int) -> None:
    """Its protocol number is known from its lock, if there is only one."""
    assert rules_of(with_locks(tmp_path, *names), None) == (Rules(()), number)


def test_daemon_that_answers_is_believed(tmp_path: Path) -> None:
    """Its answer counts, not the locks of others."""
    procfs = with_locks(tmp_path, "protocol 200")

    assert rules_of(procfs, {"interfaces": list(INTERFACES)}) == (Rules(INTERFACES), 135)
