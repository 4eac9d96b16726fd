"""The locks of the daemons in a network namespace -> the interfaces and rules that doctor uses."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor.collect import interfaces, rules_of
from ndpbr_py.doctor.procfs import ProcFs
from tests.builders import INTERFACES


def with_locks(root: Path, *names: str) -> ProcFs:
    """Return a ProcFs with sockets of these names."""
    (root / "net").mkdir()
    lines = [f"0000: 00000002 00000000 00010000 0001 01 4711 @ndpbr/{name}\n" for name in names]
    (root / "net/unix").write_text("".join(lines))
    return ProcFs(root, root)


def test_lock_with_a_name_that_no_interface_can_have(tmp_path: Path) -> None:
    """Any user can create a socket, so a name that no interface can have is neither printed nor used as a path."""
    procfs = with_locks(tmp_path, "interface wan0", "interface ../../etc", "interface \x1b[2J", "interface lan0")

    assert interfaces(procfs, None) == ("lan0", "wan0")


@pytest.mark.parametrize(
    ("names", "number"),
    [
        ([], 135),
        (["protocol 200", "interface wan0"], 200),
        (["protocol 200", "protocol 201"], 135),
        (["protocol 7x"], 135),
        (["protocol"], 135),
    ],
)
def test_protocol_of_a_daemon_that_does_not_answer(tmp_path: Path, names: list[str], number: int) -> None:
    """Its protocol number is known from its lock, if there is only one."""
    assert rules_of(with_locks(tmp_path, *names), None) == (Rules(()), number)


def test_daemon_that_answers_is_believed(tmp_path: Path) -> None:
    """Its answer counts, not the locks of others."""
    procfs = with_locks(tmp_path, "protocol 200")

    assert rules_of(procfs, {"interfaces": list(INTERFACES)}) == (Rules(INTERFACES), 135)
