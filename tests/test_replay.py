"""ndpbr replay: a recording -> the commands that would follow."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ndpbr_py.cli import main
from tests.builders import FIXTURES, LLADDR

JOINS = FIXTURES / "captures" / "host-joins-6.1.0.txt"
LAN = "2001:db8:64::11"
HERS = "02:00:00:00:03:0b"
ELSE = "expected a recording or the output of `ip -6 monitor neigh`, got something else"
COMMANDS = [
    f"ip -6 route add {LAN}/128 dev lan0 proto 135 metric 4096",
    f"ip -6 neigh add proxy {LAN} dev wan0 proto 135",
    f"ip -6 neigh replace {LAN} lladdr 02:00:00:00:03:0b dev lan0 nud probe",
]


HEADER = [
    "# ndpbr-recording: 1",
    "# started: [2026-11-23T12:00:00.000000]",
    "# zone: +0100",
    "# interfaces: wan0,lan0",
    "# conf/all/proxy_ndp: 0",
    "# link: 2: wan0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500",
    "# link: 3: lan0@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500",
    "# link: 4: lan7@if9: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1500",
    # Deprecated: otherwise each replay would begin with its proxy entry on lan0.
    "# address: 2: wan0    inet6 2001:db8:64::2/64 scope global deprecated",
    "# route: 2001:db8:64::/64 dev wan0 proto 2 metric 256 pref medium",
    "# monitor: ip -ts -6 -o monitor",
]


def line(at: float | None, address: str = LAN, dev: str = "lan0", lladdr: str = HERS, state: str = "REACHABLE") -> str:
    """Return a line of the monitor, *at* seconds after the start."""
    stamp = "" if at is None else f"[2026-11-23T12:{int(at) // 60:02d}:{at % 60:09.6f}] "
    return f"{stamp}[NEIGH]{address} dev {dev} lladdr {lladdr} {state} "


def written(folder: Path, header: list[str], *lines: str, name: str = "recording") -> str:
    """Return the name of a recording."""
    file = folder / name
    file.write_text("".join(f"{it}\n" for it in (*header, *lines)))
    return str(file)


def test_rules_of_the_recorded_daemon(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The daemon's options are in the recording: a replay uses its --static, --prefix and --protocol."""
    rules = {"prefixes": ["fd00::/64"], "statics": ["fd99::1%lan0"], "max_hosts": 9, "max_hosts_per_lladdr": 2}
    daemon = json.dumps({"interfaces": ["wan0", "lan0"], "rules": {**rules, "protocol": 99}})
    file = written(tmp_path, [*HEADER[:4], f"# daemon: {daemon}", *HEADER[4:]], line(1, "fd00::7"))
    status, commands, _ = replay(capfd, file, interfaces=None)

    assert status == 0
    assert [it for it in commands if it.startswith("ip -6 ") and " add " in it] == [
        it.replace("135", "99") for address in ("fd99::1", "fd00::7") for it in learning(address, "wan0")
    ]


@pytest.mark.parametrize("answer", ["{", "7", "{}", '{"interfaces": [], "rules": 7}'])
def test_daemon_line_that_cannot_be_parsed(capfd: pytest.CaptureFixture[str], tmp_path: Path, answer: str) -> None:
    """The error is one sentence, not a traceback."""
    status, _, err = replay(capfd, written(tmp_path, [HEADER[0], f"# daemon: {answer}", *HEADER[1:]]), interfaces=None)

    assert status == 1
    assert err == ["ndpbr: expected a whole recording, got one whose `# daemon` line cannot be parsed"]


def learning(address: str, proxied_on: str) -> list[str]:
    """Return the commands for a host that has answered on lan0."""
    return [
        f"ip -6 route add {address}/128 dev lan0 proto 135 metric 4096",
        f"ip -6 neigh add proxy {address} dev {proxied_on} proto 135",
    ]


def replay(
    capfd: pytest.CaptureFixture[str],
    file: str,
    *options: str,
    interfaces: str | None = "wan0,lan0",
    level: str = "debug",
) -> tuple[int, list[str], list[str]]:
    """Return exit status and the lines of both outputs."""
    listed = () if interfaces is None else ("--interfaces", interfaces)
    status = main(["--log-format", "json", "--log-level", level, "replay", file, *listed, *options])
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
    """With --protocol N the commands carry N."""
    assert replay(capfd, str(JOINS), "--protocol", "77")[1][0].endswith(" proto 77 metric 4096")


def test_records_go_to_standard_error(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Each host learned and each line rejected is one record; a rejected line has its number."""
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
        "proxied_on": ["wan0"],
    }
    assert records[2] == {
        "level": "warning",
        "event": "line-rejected",
        "line": "garbage",
        "error": "expected an IPv6 address first",
        "number": 5,
    }


@pytest.mark.parametrize("capture", sorted(FIXTURES.glob("captures/*.txt")), ids=lambda path: str(path.stem))
def test_every_recording_can_be_replayed(capture: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Every capture of the monitor can be replayed to its end; the output of a batch is no recording."""
    assert replay(capfd, str(capture))[0] == capture.stem.startswith("batch-stderr")


def test_header_names_interfaces_and_prefixes(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A recording with a header needs no options; an option overrides the header."""
    file = written(tmp_path, HEADER, line(0), line(0, "2001:db8:1::1"))

    plain = replay(capfd, file, interfaces=None)
    other = replay(capfd, file, "--prefix", "2001:db8:1::/64", interfaces="lan0,lan7")

    assert plain[:2] == (0, learning(LAN, "wan0"))
    assert other[:2] == (0, learning("2001:db8:1::1", "lan7"))


def test_tables_of_the_header_come_first(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The tables are handled as at the daemon's start: neighbors are learned, and our entries are adopted."""
    tables = [
        "# route: 2001:db8:64::77 dev lan0 proto 135 metric 1024 pref medium",
        "# proxy: 2001:db8:64::77 dev wan0 proxy proto 135",
        "2001:db8:64::11 dev lan0 lladdr 02:00:00:00:03:0b REACHABLE",
    ]
    status, out, err = replay(capfd, written(tmp_path, [*HEADER[:-1], *tables, HEADER[-1]]), interfaces=None)

    learned = [(r["address"], r["reason"], r["ts"]) for r in map(json.loads, err) if r["event"] == "host-learned"]
    assert status == 0
    assert sorted(learned) == [
        (LAN, "reachable", "2026-11-23T11:00:00.000000Z"),
        ("2001:db8:64::77", "adopted", "2026-11-23T11:00:00.000000Z"),
    ]
    assert out == ["ip -6 neigh replace 2001:db8:64::77 dev lan0 nud none use", *learning(LAN, "wan0")]


def test_records_have_the_time_recorded(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A record has the time of its line, in UTC, in both of ip's formats."""
    times = ["[2026-11-23T12:00:05.250000] ", "Timestamp: Mon Nov 23 12:00:05 2026 250000 usec\n"]
    for number, stamp in enumerate(times):
        file = written(tmp_path, HEADER, f"{stamp}{line(None)}", name=str(number))

        assert [json.loads(it)["ts"] for it in replay(capfd, file, interfaces=None)[2]] == [
            "2026-11-23T11:00:05.250000Z"
        ]


@pytest.mark.parametrize(("gap", "event"), [(5, "host-probed"), (20, "host-moved")])
def test_clock_is_that_of_the_recording(
    gap: int, event: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """By the time of the recording, a host that has just moved is probed before it moves again."""
    lines = [line(0), line(20, dev="wan0"), line(20 + gap, state="STALE")]

    err = replay(capfd, written(tmp_path, HEADER, *lines), interfaces=None)[2]

    events = [json.loads(it)["event"] for it in err]
    due = ("lookup-started", "host-advertised")
    assert [it for it in events if it not in due] == ["host-learned", "host-moved", event]


def test_hosts_expire_as_the_time_goes_by(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A host that is silent for an hour of the recording is probed, even if no line follows."""
    ended = "# ended: [2026-11-23T14:00:00.000000]"

    err = replay(capfd, written(tmp_path, HEADER, line(0, state="STALE"), ended), interfaces=None)[2]

    records = [json.loads(it) for it in err]
    assert (records[1]["event"], records[1]["reason"]) == ("lookup-started", "first-sight")
    assert [(r["event"], r["reason"]) for r in records[2:]] == [("host-probed", "not-confirmed")] * len(records[2:])
    assert records[2]["ts"] > "2026-11-23T12:00:00"


def test_real_time_is_waited_for(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """With --real-time a replay takes at least as long as the recording did."""
    file = written(tmp_path, HEADER, line(0.2), line(0.4, "2001:db8:64::22"))
    before = time.monotonic()
    status, out, _ = replay(capfd, file, "--real-time", interfaces=None)

    assert time.monotonic() - before >= 0.4
    assert (status, len([it for it in out if " add " in it])) == (0, 4)


@pytest.mark.parametrize(("seconds", "logged"), [(50.0, 700), (0.0, 500)])
def test_flood_is_logged_as_by_the_daemon(
    seconds: float, logged: int, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The limit of the log goes by the time of the recording, however fast the replay is."""
    lines = [
        line(
            seconds * n / 1000, f"2001:db8:64::{n:x}", lladdr=f"02:00:00:00:{n // 256:02x}:{n % 256:02x}", state="STALE"
        )
        for n in range(256, 956)
    ]
    err = replay(capfd, written(tmp_path, HEADER, *lines), interfaces=None, level="info")[2]

    assert [json.loads(it)["event"] for it in err].count("host-learned") == logged


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "expected a recording, got an empty file"),
        (
            "\x7fELF\x01\n\x02\x03\n",
            ELSE,
        ),
        ("garbage\n" * 200, ELSE),
        ("# ndpbr-recording: 2\n", "expected a recording of version 1, got version '2'"),
        ("# ndpbr-recording: 1\n", "expected a whole recording, got one that is cut in its header, line 1"),
        ("# ndpbr-recording: 1\n# interf", "expected a whole recording, got one that is cut in its header, line 2"),
    ],
)
def test_file_that_is_no_recording_is_an_error(
    content: str, sentence: str, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The sentence says that the file is empty, cut or something else."""
    file = tmp_path / "recording"
    file.write_text(content)
    status, out, err = replay(capfd, str(file))

    assert (status, out, err[-1]) == (1, [], f"ndpbr: {sentence}")
    assert len(err) <= 101


def test_cut_recording_is_replayed_as_far_as_it_goes(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """A cut line is never taken for a whole one."""
    file = written(tmp_path, HEADER, line(0), line(1, "2001:db8:64::22"))
    Path(file).write_text(Path(file).read_text()[:-20])
    status, out, err = replay(capfd, file, interfaces=None)

    assert (status, out) == (1, learning(LAN, "wan0"))
    assert err[-1] == "ndpbr: expected a whole recording, got one that is cut in line 13"


def test_recording_without_interfaces_needs_the_option(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a header, --interfaces is required."""
    status, _, err = replay(capfd, str(JOINS), interfaces=None)

    assert (status, err) == (2, ["ndpbr: replay needs --interfaces, because the recording does not name them"])
