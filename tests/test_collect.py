"""What the daemons of a network namespace hold -> what the facts are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from ndpbr_py.core.state import Rules
from ndpbr_py.doctor.collect import interfaces, rules_of
from ndpbr_py.doctor.procfs import ProcFs
from tests.builders import INTERFACES


def holding(root: Path, *names: str) -> ProcFs:
    """Return a machine where somebody has sockets with these names."""
    (root / "net").mkdir()
    lines = [f"0000: 00000002 00000000 00010000 0001 01 4711 @ndpbr/{name}\n" for name in names]
    (root / "net/unix").write_text("".join(lines))
    return ProcFs(root, root)


def test_name_that_no_interface_of_ours_has(tmp_path: Path) -> None:
    """Anybody may make a socket: what it is called is neither printed nor looked for below /sys."""
    machine = holding(tmp_path, "interface wan0", "interface ../../etc", "interface \x1b[2J", "interface lan0")

    assert interfaces(machine, None) == ("lan0", "wan0")


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
    """Without root its number is known all the same, if it is the only one."""
    assert rules_of(holding(tmp_path, *names), None) == (Rules(()), number)


def test_daemon_that_answers_is_believed(tmp_path: Path) -> None:
    """What it tells counts, whatever others hold."""
    machine = holding(tmp_path, "protocol 200")

    assert rules_of(machine, {"interfaces": list(INTERFACES)}) == (Rules(INTERFACES), 135)
