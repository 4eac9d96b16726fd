"""ndpbr replay: a recording -> the commands that would follow."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ndpbr_py.cli import main
from tests.builders import FIXTURES, LLADDR

JOINS = FIXTURES / "captures" / "host-joins-6.1.0.txt"
LAN = "2001:db8:64::11"
COMMANDS = [
    f"ip -6 route add {LAN}/128 dev lan0 proto 135",
    f"ip -6 neigh add proxy {LAN} dev wan0 proto 135",
    f"ip -6 neigh replace {LAN} lladdr 02:00:00:00:03:0b dev lan0 nud probe",
]


def replay(capfd: pytest.CaptureFixture[str], file: str, *options: str) -> tuple[int, list[str], list[str]]:
    """Return exit status and the lines of both outputs."""
    *before, command = (["--log-format", "json"], "replay")
    status = main([*before[0], command, file, "--interfaces", "wan0,lan0", *options])
    out, err = capfd.readouterr()
    return status, out.splitlines(), err.splitlines()


def test_commands_go_to_standard_output(capfd: pytest.CaptureFixture[str]) -> None:
    """The commands are those that `ndpbr run` would run, as one would type them."""
    assert replay(capfd, str(JOINS))[:2] == (0, COMMANDS)


def test_prefix_limits_what_is_learned(capfd: pytest.CaptureFixture[str]) -> None:
    """With --prefix only addresses in it count."""
    assert replay(capfd, str(JOINS), "--prefix", "2001:db8:65::/64")[1] == []
    assert replay(capfd, str(JOINS), "--prefix", "2001:db8:64::/64")[1] == COMMANDS


def test_protocol_tags_the_commands(capfd: pytest.CaptureFixture[str]) -> None:
    """With --protocol N they carry N."""
    assert replay(capfd, str(JOINS), "--protocol", "77")[1][0].endswith(" proto 77")


def test_records_go_to_standard_error(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What was learned and what could not be understood is logged, a record each, with the number of the line."""
    file = tmp_path / "recording"
    file.write_bytes(
        b"# a comment\n\n" + f"2001:db8::33 dev lan0 lladdr {LLADDR} REACHABLE\n".encode() + b"\xff\x1b[31m\ngarbage\n"
    )

    status, _, err = replay(capfd, str(file))

    records = [{key: value for key, value in json.loads(line).items() if key != "ts"} for line in err]
    assert status == 0
    assert [record["event"] for record in records] == ["host-learned", "line-rejected", "line-rejected"]
    assert records[0] == {
        "level": "info",
        "event": "host-learned",
        "address": "2001:db8::33",
        "dev": "lan0",
        "lladdr": LLADDR,
        "state": "REACHABLE",
        "reason": "reachable",
        "proxied_on": "wan0",
    }
    assert records[2] == {
        "level": "warning",
        "event": "line-rejected",
        "line": "garbage",
        "wanted": "an IPv6 address was wanted first",
        "number": 5,
    }


@pytest.mark.parametrize("capture", sorted(FIXTURES.glob("captures/*.txt")), ids=lambda path: str(path.stem))
def test_every_recording_can_be_replayed(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Whatever ip printed, a replay comes to its end."""
    assert replay(capfd, str(capture))[0] == 0
